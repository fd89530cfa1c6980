import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { boundReads } from './bound-reads.ts';
import { relink } from './relink.ts';

const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
const read = (build: string) => readFileSync(join(folder, `uws_${build}.node`));
const BUILDS = ['linux_x64_137', 'linux_arm64_137'];

/** The first place of the text as a whole string. */
function placeOf(bytes: Buffer, text: string): number {
  const at = bytes.indexOf(`\0${text}\0`, 0, 'latin1');
  assert.ok(at > 0, `${text} is in the binary`);
  return at + 1;
}

function changed(original: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(original);
  change(bytes);
  return bytes;
}

function differences(a: Buffer, b: Buffer): number {
  return a.reduce((count, byte, index) => count + (byte === b[index] ? 0 : 1), 0);
}

suite('re-linking the uWebSockets.js binary', () => {
  for (const build of BUILDS) {
    const original = read(build);

    test(`${build}: only the names and the version change`, () => {
      const relinked = relink(original);
      assert.ok(relinked.ok);
      assert.equal(relinked.bytes.length, original.length);
      // Three names of 4 bytes, one hash and one version name.
      assert.ok(differences(original, relinked.bytes) <= 20);
    });

    test(`${build}: what is done is not done again`, () => {
      const once = relink(original);
      assert.ok(once.ok);
      assert.deepEqual(relink(once.bytes), { ok: false, reason: 'not exactly one GLIBC_2.38 of libc.so.6' });
    });

    const broken: readonly (readonly [string, Buffer, RegExp])[] = [
      ['nothing', Buffer.alloc(0), /ELF/],
      ['its first bytes alone', original.subarray(0, 40), /./],
      ['its first half', original.subarray(0, original.length >> 1), /./],
      ['another magic', changed(original, (bytes) => bytes.write('MZ')), /ELF/],
      ['32 bits', changed(original, (bytes) => bytes.writeUInt8(1, 4)), /ELF/],
      ['big-endian', changed(original, (bytes) => bytes.writeUInt8(2, 5)), /ELF/],
      ['another machine', changed(original, (bytes) => bytes.writeUInt16LE(0x28, 18)), /x86-64/],
      ['a section table elsewhere', changed(original, (bytes) => bytes.writeBigUInt64LE(2n ** 60n, 40)), /offset/],
      ['no sections', changed(original, (bytes) => bytes.writeUInt16LE(0, 60)), /section/],
      [
        'another new version',
        changed(original, (bytes) => bytes.write('GLIBC_2.39', placeOf(bytes, 'GLIBC_2.38'))),
        /GLIBC_2.38/,
      ],
      [
        'one more new symbol',
        changed(original, (bytes) => bytes.write('x', placeOf(bytes, '__isoc23_strtol'))),
        /asked for by/,
      ],
      [
        'another C library',
        changed(original, (bytes) => bytes.write('libd', placeOf(bytes, 'libc.so.6'))),
        /GLIBC_2.38/,
      ],
    ];
    for (const [title, bytes, reason] of broken) {
      test(`${build} with ${title} is left alone`, () => {
        const result = relink(bytes);
        assert.ok(!result.ok);
        assert.match(result.reason, reason);
      });
    }
  }

  test('random damage never throws', () => {
    const original = read('linux_x64_137');
    for (let seed = 1; seed <= 50; seed++) {
      const bytes = changed(original, (copy) => copy.fill(seed * 5, seed * 97, seed * 97 + 64));
      assert.equal(typeof relink(bytes).ok, 'boolean');
    }
  });
});

suite('bounding the reads of uSockets', () => {
  for (const build of [...BUILDS, 'linux_x64_127', 'linux_x64_141', 'linux_arm64_127']) {
    test(`${build}: one instruction changes`, () => {
      const original = read(build);
      const bounded = boundReads(original);
      assert.ok(bounded.ok);
      assert.ok(differences(original, bounded.bytes) <= 2);
      assert.equal(boundReads(bounded.bytes).ok, false);
    });
  }

  test('another file is left alone', () => {
    assert.equal(boundReads(Buffer.alloc(0)).ok, false);
    assert.equal(boundReads(read('darwin_arm64_137')).ok, false);
    assert.equal(boundReads(Buffer.concat([read('linux_x64_137'), read('linux_x64_137')])).ok, false);
  });
});
