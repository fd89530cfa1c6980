import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { DigestFollower } from './digest-follower.ts';
import type { HashName } from './digest-messages.ts';

const ALGORITHMS: readonly HashName[] = ['sha256', 'sha512', 'sha1', 'md5'];
const MIB = 1024 * 1024;

function createSubject() {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-digest-'));
  const follower = new DigestFollower();
  return {
    follower,
    write(name: string, bytes: Uint8Array): string {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    },
    [Symbol.asyncDispose]: async () => {
      await follower.close();
      rmSync(folder, { recursive: true });
    },
  };
}

suite('digest thread', () => {
  test('hashes growing files beside one another, by any algorithm', async () => {
    await using subject = createSubject();
    const contents = [randomBytes(3 * MIB + 1), randomBytes(5 * MIB), Buffer.alloc(0)];
    const followed = contents.map((bytes, index) => {
      const following = subject.follower.follow(subject.write(`${index}`, bytes), ALGORITHMS);
      return { bytes, following };
    });
    for (const { bytes, following } of followed) following.advance(Math.floor(bytes.byteLength / 3));
    for (const { bytes, following } of followed) following.advance(bytes.byteLength);
    for (const { bytes, following } of followed) {
      const digests = await following.finish();
      for (const name of ALGORITHMS) {
        assert.equal(
          Buffer.from(digests.get(name) ?? []).toString('hex'),
          createHash(name).update(bytes).digest('hex'),
        );
      }
    }
  });

  test('a file that is gone fails its own digest, asked for or not, and no other', async () => {
    await using subject = createSubject();
    const gone = subject.follower.follow('/nowhere/at/all', ['md5']);
    gone.advance(10);
    const fine = subject.follower.follow(subject.write('a', Buffer.from('abc')), ['md5']);
    fine.advance(3);
    assert.equal(
      Buffer.from((await fine.finish()).get('md5') ?? []).toString('hex'),
      '900150983cd24fb0d6963f7d28e17f72',
    );
    await assert.rejects(gone.finish(), { code: 'ENOENT' });
  });

  test('a file shorter than announced fails', async () => {
    await using subject = createSubject();
    const following = subject.follower.follow(subject.write('a', Buffer.from('abc')), ['md5']);
    following.advance(4);
    await assert.rejects(following.finish(), /shorter/);
  });

  test('a small file is done while a huge one is caught up with, which can be given up half-way', async () => {
    await using subject = createSubject();
    const path = subject.write('huge', Buffer.alloc(0));
    truncateSync(path, 8 * 1024 * MIB);
    const huge = subject.follower.follow(path, ['sha256']);
    huge.advance(8 * 1024 * MIB);
    let isHugeDone = false;
    void huge.finish().then(() => (isHugeDone = true));
    for (const name of ['a', 'b', 'c']) {
      const small = subject.follower.follow(subject.write(name, Buffer.from('abc')), ['md5']);
      small.advance(3);
      await small.finish();
    }
    assert.equal(isHugeDone, false);
    huge.drop();
  });

  test('what takes many turns is hashed in order and once, however it is announced', async () => {
    await using subject = createSubject();
    const bytes = randomBytes(40 * MIB + 1);
    const following = subject.follower.follow(subject.write('a', bytes), ['sha256']);
    for (const size of [MIB, 17 * MIB, bytes.byteLength]) following.advance(size);
    const digest = (await following.finish()).get('sha256') ?? [];
    assert.equal(Buffer.from(digest).toString('hex'), createHash('sha256').update(bytes).digest('hex'));
  });

  test('a thread that ends fails those who wait, and the next file starts another', async () => {
    await using subject = createSubject();
    const path = subject.write('a', Buffer.from('abc'));
    const waiting = subject.follower.follow(path, ['md5']);
    const outcome = assert.rejects(waiting.finish(), { code: 'internal' });
    await subject.follower.close();
    await outcome;
    const next = subject.follower.follow(path, ['md5']);
    next.advance(3);
    assert.equal((await next.finish()).size, 1);
  });

  test('holds no descriptor between steps', async () => {
    await using subject = createSubject();
    const paths = Array.from({ length: 20 }, (_, index) => subject.write(`${index}`, Buffer.alloc(1000)));
    const followed = paths.map((path) => subject.follower.follow(path, ['md5']));
    for (const following of followed) following.advance(500);
    const [first, ...others] = followed;
    await first?.finish();
    const open = readdirSync('/proc/self/fd').length;
    for (const following of others) following.drop();
    const last = subject.follower.follow(paths[0] ?? '', ['md5']);
    last.advance(1000);
    await last.finish();
    assert.equal(readdirSync('/proc/self/fd').length, open);
  });
});
