import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { formatUploadMetadata, metadataName, metadataType, parseUploadMetadata } from './upload-metadata.ts';

suite('Upload-Metadata', () => {
  const good: readonly [string, Record<string, string>][] = [
    ['', {}],
    ['   ', {}],
    [
      'filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential',
      { filename: 'world_domination_plan.pdf', is_confidential: '' },
    ],
    ['a YQ==, b Yg==', { a: 'a', b: 'b' }],
    ['empty ', { empty: '' }],
    ['name w7xtbMOkdXQ=', { name: 'ümläut' }],
  ];
  for (const [header, expected] of good) {
    test(`is read: "${header}"`, () => {
      assert.deepEqual(Object.fromEntries(parseUploadMetadata(header)), expected);
    });
  }

  const bad = [
    ['a YQ==,a Yg==', 'a key twice'],
    ['a YQ', 'base64 without padding'],
    ['a Y!==', 'other letters'],
    ['a YQ== YQ==', 'two values'],
    ['a YR==', 'stray bits in the last letter'],
    [',', 'no key'],
    ['a YQ==,', 'a comma at the end'],
    ['ä YQ==', 'a key that is not ASCII'],
  ] as const;
  for (const [header, why] of bad) {
    test(`is refused: ${why}`, () => {
      assert.throws(() => parseUploadMetadata(header), { code: 'bad_request' });
    });
  }

  test('whatever is written is read back', () => {
    const key = fc.stringMatching(/^[\x21-\x2b\x2d-\x7e]{1,20}$/);
    const pairs = fc.uniqueArray(fc.tuple(key, fc.string({ unit: 'grapheme' })), { selector: ([name]) => name });
    fc.assert(
      fc.property(pairs, (entries) => {
        assert.deepEqual([...parseUploadMetadata(formatUploadMetadata(new Map(entries)))], entries);
      }),
    );
  });

  test('any text is either read or refused as a bad request', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        try {
          parseUploadMetadata(header);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'bad_request');
        }
      }),
    );
  });

  test('tells the name and type by the keys of the known clients', () => {
    assert.equal(
      metadataName(
        new Map([
          ['name', 'n'],
          ['filename', 'f'],
        ]),
      ),
      'f',
    );
    assert.equal(metadataName(new Map([['name', 'n']])), 'n');
    assert.equal(metadataName(new Map()), 'upload');
    assert.equal(metadataType(new Map([['type', 'a/b']])), 'a/b');
    assert.equal(metadataType(new Map()), undefined);
  });
});
