import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/fixtures/temporary.ts';
import { openSecretFile } from './secret-file.ts';
import { parseSecrets } from './signature.ts';

test('a secret is made once, for its owner alone, and kept', async () => {
  const folder = temporaryFolder('secret');
  const path = join(folder, 'webhook-secret');
  const secret = await openSecretFile(path);
  assert.equal(parseSecrets([secret])[0]?.length, 32);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(await openSecretFile(path), secret);
  assert.deepEqual(readdirSync(folder), ['webhook-secret']);
});

test('an empty file, which a full disk may have left, is replaced', async () => {
  const path = join(temporaryFolder('secret'), 'webhook-secret');
  writeFileSync(path, '');
  assert.equal(parseSecrets([await openSecretFile(path)]).length, 1);
});

test('a wrong secret names where it stands', () => {
  assert.throws(() => parseSecrets(['abc'], '/data/webhook-secret'), /^Error: \/data\/webhook-secret: expected whsec_/);
});
