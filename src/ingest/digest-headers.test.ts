import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../core/errors.ts';
import {
  CHECKSUM_ALGORITHMS,
  type Digest,
  formatDigest,
  negotiateWant,
  parseDigest,
  parseUploadChecksum,
} from './digest-headers.ts';

// RFC 9530 appendix B.1 and D: {"hello": "world"} and a newline.
const HELLO = '{"hello": "world"}\n';
const SHA_256 = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:';
const SHA_512 = 'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:';

function hex(digests: readonly Digest[]): string[] {
  return digests.map(({ algorithm, bytes }) => `${algorithm} ${Buffer.from(bytes).toString('hex')}`);
}

const sum = (algorithm: string) => createHash(algorithm).update(HELLO).digest();

suite('digest headers', () => {
  test('the examples of RFC 9530 are read', () => {
    assert.deepEqual(hex(parseDigest(SHA_256)), [`sha-256 ${sum('sha256').toString('hex')}`]);
    assert.deepEqual(hex(parseDigest(`${SHA_512}, ${SHA_256}`)), [
      `sha-512 ${sum('sha512').toString('hex')}`,
      `sha-256 ${sum('sha256').toString('hex')}`,
    ]);
  });

  const skipped = [
    '',
    '  ',
    'md5=:1B2M2Y8AsgTpgAmY7PhCfg==:',
    'unixsum=30637',
    'crc32c=:AAAAAA==:;x=1',
    'foo',
    'id-sha-256="x"',
  ];
  for (const value of skipped) {
    test(`"${value}" asks for nothing that we know`, () => {
      assert.deepEqual(parseDigest(value), []);
      assert.deepEqual(hex(parseDigest(value.trim() ? `${value}, ${SHA_256}` : SHA_256)).length, 1);
    });
  }

  const malformed = [
    'sha-256',
    'sha-256=',
    'sha-256=x',
    'sha-256=1',
    'sha-256="RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="',
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=',
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvE=:',
    'sha-256=:RK_0qy18MlBSVnWgjwz6lZEWjP_lF5HF9bvEF8FabDg=:',
    'sha-256=::',
    'sha-256=(:AAAA:)',
    'sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    `${SHA_256},`,
    `${SHA_256} ${SHA_512}`,
    'SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    '=',
    ',',
    '\u00e9',
  ];
  for (const value of malformed) {
    test(`"${value}" is malformed`, () => {
      assert.throws(() => parseDigest(value), { code: 'bad_request' });
    });
  }

  test('what is written is read back', () => {
    const digests: Digest[] = [
      { algorithm: 'sha-256', bytes: sum('sha256') },
      { algorithm: 'sha-512', bytes: sum('sha512') },
    ];
    assert.equal(formatDigest(digests), `${SHA_256}, ${SHA_512}`);
    assert.deepEqual(hex(parseDigest(formatDigest(digests))), hex(digests));
  });

  test('arbitrary text is read or refused, nothing else', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'sha-2561=:;,() "AZ/+?@%') }));
    const property = fc.property(text, (value) => {
      try {
        parseDigest(value);
        parseUploadChecksum(value);
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'bad_request', String(error));
      }
      negotiateWant(value);
    });
    void fc.assert(property, { numRuns: 2000 });
  });
});

suite('Want-Repr-Digest', () => {
  const wishes: [value: string, algorithm: string | undefined][] = [
    ['sha-256=1', 'sha-256'],
    ['sha-512=3, sha-256=10, unixsum=0', 'sha-256'],
    ['sha-512=10, sha-256=3', 'sha-512'],
    ['sha-512=5, sha-256=5', 'sha-256'],
    ['sha-512=1', 'sha-512'],
    ['sha-256=0', undefined],
    ['sha-256=0, sha-512=1', 'sha-512'],
    ['md5=10', undefined],
    ['sha-256=11', undefined],
    ['sha-256=-1', undefined],
    ['sha-256=1.5', undefined],
    ['sha-256', undefined],
    ['sha-256=1,', undefined],
    ['', undefined],
  ];
  for (const [value, algorithm] of wishes) {
    test(`"${value}" is answered with ${algorithm}`, () => assert.equal(negotiateWant(value), algorithm));
  }
});

suite('Upload-Checksum', () => {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    test(`${algorithm} is read, in either case`, () => {
      const bytes = sum(algorithm);
      assert.deepEqual(parseUploadChecksum(`${algorithm} ${bytes.toString('base64')}`), { algorithm, bytes });
      assert.deepEqual(
        parseUploadChecksum(`${algorithm.toUpperCase()} ${bytes.toString('base64')} `).algorithm,
        algorithm,
      );
    });
  }

  const refused = [
    '',
    'sha1',
    'sha1 ',
    'sha1 AAAA',
    'sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu',
    'sha1 Kq5sNclPz7QV2-lfQIuc6R7oRu0=',
  ];
  for (const value of [
    ...refused,
    'crc32 AAAAAA==',
    'sha1,Kq5sNclPz7QV2+lfQIuc6R7oRu0=',
    'sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0= x',
    '__proto__ AAAA',
  ]) {
    test(`"${value}" is refused`, () => assert.throws(() => parseUploadChecksum(value), { code: 'bad_request' }));
  }
});
