import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { cleanFileName } from './file-name.ts';

suite('file names', () => {
  const table: readonly [sent: string, kept: string][] = [
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\scan.pdf', 'scan.pdf'],
    ['folder/', 'upload'],
    ['..', 'upload'],
    ['', 'upload'],
    ['  padded.txt ', 'padded.txt'],
    ['line\r\nbreak\0.txt', 'linebreak.txt'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['cafe\u0301.txt', 'café.txt'],
    ['.hidden', '.hidden'],
    ['日本語.pdf', '日本語.pdf'],
    [`${'é'.repeat(200)}.pdf`, `${'é'.repeat(125)}.pdf`],
    ['lone \ud800 half', 'lone \ufffd half'],
  ];
  for (const [sent, kept] of table) {
    test(`${JSON.stringify(sent.slice(0, 40))} is kept as ${JSON.stringify(kept.slice(0, 40))}`, () => {
      assert.equal(cleanFileName(sent), kept);
    });
  }

  test('whatever is sent, what is kept is a short plain name', () => {
    const property = fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (sent) => {
      const kept = cleanFileName(sent);
      assert.ok(Buffer.byteLength(kept) <= 255 && kept.length > 0);
      assert.doesNotMatch(kept, /[/\\\p{Cc}]|^\.{1,2}$/u);
      assert.equal(cleanFileName(kept), kept);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
