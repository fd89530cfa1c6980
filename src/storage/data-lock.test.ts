import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/fixtures/temporary.ts';
import { lockDataDir } from './data-lock.ts';

test('a folder has one owner at a time, and another after that', async () => {
  const folder = join(temporaryFolder('lock'), 'made', 'here');
  const first = await lockDataDir(folder);
  await assert.rejects(lockDataDir(folder), { code: 'conflict', message: /another Penstock uses .*made\/here/ });
  first.close();
  first.close();
  const second = await lockDataDir(folder);
  second.close();
});

test('a folder that cannot be locked is named', async () => {
  await assert.rejects(lockDataDir('/proc/self/fdinfo'), /the data folder \/proc\/self\/fdinfo cannot be locked/);
});

test('a folder of somebody else is left as it is', async () => {
  const folder = temporaryFolder('lock');
  await mkdir(join(folder, 'work'));
  await assert.rejects(lockDataDir(folder), /no data folder of ours, yet has a folder work/);
  assert.deepEqual(await readdir(folder), ['work']);
});
