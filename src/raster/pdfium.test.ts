import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createPdfiumEngine } from './pdfium.ts';
import { compilePdfium, createWasmLibrary } from './pdfium-wasm.ts';
import { createPdfjsEngine } from './pdfjs.ts';

const MIXED = new URL('../../data/sample-17-pages.pdf', import.meta.url).pathname;
const JPX_PAGE = 10;
const FORM_PAGE = 15;
const OPTIONS = { scale: 0.6, transparent: false, maxPixels: 1_000_000 };

const engine = await createPdfiumEngine(async () => createPdfjsEngine(), createWasmLibrary(await compilePdfium()));

suite('pdfium', () => {
  test('on white paper every pixel of every page is opaque, as the bitmap says', async () => {
    const document = await engine.open(MIXED, {});
    for (let page = 1; page <= document.pageCount; page++) {
      const { data, isOpaque } = await document.render(page, OPTIONS);
      assert.equal(isOpaque, true);
      const clear = data.findIndex((byte, index) => index % 4 === 3 && byte !== 255);
      assert.equal(clear, -1, `page ${page}`);
    }
    await document.close();
  });

  test('on no paper a bitmap does not say that it is opaque', async () => {
    const document = await engine.open(MIXED, {});
    assert.equal((await document.render(1, { ...OPTIONS, transparent: true })).isOpaque, false);
    await document.close();
  });

  test('the texts of fields have no colour fringes: what is black stays gray at its edges', async () => {
    const document = await engine.open(MIXED, {});
    const { data, width } = await document.render(FORM_PAGE, { ...OPTIONS, scale: 1 });
    const fringes = [];
    for (let at = 0; at < data.length; at += 4) {
      const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
      // Red without blue, or green alone, is in no colour of the fields and their text.
      const isField = at / 4 / width < 300 && (at / 4) % width < 430;
      if (isField && red > blue + 40 && red > green + 40) fringes.push(at / 4);
    }
    assert.equal(fringes.length, 0);
    await document.close();
  });

  test('one small picture in JPEG 2000, however often it is drawn, is no concern', async () => {
    const document = await engine.open(MIXED, {});
    assert.equal(await document.concern(JPX_PAGE), undefined);
    await document.close();
  });
});
