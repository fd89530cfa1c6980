import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkDeclared, listSlots, placeFiles } from './file-slots.ts';

const png = { mediaType: 'image/png' };
const pdf = { mediaType: 'application/pdf' };
const text = { mediaType: 'text/plain' };
const unknown = { mediaType: 'application/octet-stream' };

suite('file slots', () => {
  test('a file goes to the slot of its name; without a name, or where there is one slot only, to the first', () => {
    const two = listSlots({ cover: 'image', pages: { kind: 'pdf', many: true } });
    const placed = placeFiles('book', two, [
      { field: 'pages', file: pdf },
      { field: undefined, file: png },
      { field: 'pages', file: pdf },
    ]);
    assert.deepEqual(
      placed.map(({ field }) => field),
      ['pages', 'cover', 'pages'],
    );
    const one = listSlots({ it: 'file' });
    assert.equal(placeFiles('take', one, [{ field: 'whatever', file: text }])[0]?.field, 'it');
  });

  const slots = listSlots({ image: 'image', extra: { kind: 'file', optional: true } });
  for (const [what, files, message] of [
    ['a name that no slot has', [{ field: 'x', file: png }], /take takes files by the names image, extra, not x/],
    ['two files for one', Array(2).fill({ field: 'image', file: png }), /image: 2 files were sent, take takes one/],
    ['a file that is missing', [{ field: 'extra', file: png }], /image: take needs this file/],
    [
      'content of another kind',
      [{ field: 'image', file: pdf }],
      /take works on image\/\* \(image\); this is application\/pdf/,
    ],
    ['content that cannot be told', [{ field: 'image', file: unknown }], /this is application\/octet-stream/],
    [
      'a picture that is a program of the browser',
      [{ field: 'image', file: { mediaType: 'image/svg+xml' } }],
      /this is image\/svg/,
    ],
  ] as const) {
    test(`refuses ${what}`, () => assert.throws(() => placeFiles('take', slots, files), message));
  }

  test('a task without slots takes no file', () => {
    assert.throws(() => placeFiles('none', [], [{ field: undefined, file: png }]), /none takes no files/);
    assert.deepEqual(placeFiles('none', [], []), []);
  });

  test('content that cannot be told passes where it may be damaged, other content does not', () => {
    const damaged = listSlots({ document: { kind: 'pdf', mayBeDamaged: true } });
    for (const file of [pdf, text, unknown])
      assert.equal(placeFiles('draw', damaged, [{ field: undefined, file }]).length, 1);
    assert.throws(() => placeFiles('draw', damaged, [{ field: undefined, file: png }]), {
      code: 'unsupported_media_type',
    });
  });

  test('what a sender declares is judged by the kind, too', () => {
    const [audio] = listSlots({ sound: 'audio' });
    assert.ok(audio);
    checkDeclared('play', audio, 'application/ogg');
    assert.throws(() => checkDeclared('play', audio, 'video/mp4'), /the request says video\/mp4/);
  });
});
