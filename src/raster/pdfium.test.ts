import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pixelAt } from '../../test/contracts/raster-pixels.ts';
import { createPdfiumEngine } from './pdfium.ts';
import { loadNativeLibrary } from './pdfium-native.ts';
import { compilePdfium, createWasmLibrary } from './pdfium-wasm.ts';
import { createPdfjsEngine } from './pdfjs.ts';
import type { CriticalDocument, CriticalEngine } from './raster.ts';

const MIXED = new URL('../../data/sample-17-pages.pdf', import.meta.url).pathname;
const JPX_PAGE = 10;
const FORM_PAGE = 15;
const OPTIONS = { scale: 0.6, transparent: false, maxPixels: 1_000_000 };

/** A blank page with one annotation, a dictionary. */
async function withPage<T>(
  engine: CriticalEngine,
  annotation: string,
  use: (document: CriticalDocument) => Promise<T>,
): Promise<T> {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Annots [${annotation}] >>`,
  ];
  const body = objects.map((object, index) => `${index + 1} 0 obj\n${object}\nendobj\n`).join('');
  const folder = await mkdtemp(join(tmpdir(), 'penstock-pdfium-'));
  const path = join(folder, 'page.pdf');
  await writeFile(path, `%PDF-1.7\n${body}trailer << /Root 1 0 R >>\n`);
  const document = await engine.open(path, {});
  try {
    return await use(document);
  } finally {
    await document.close();
    await rm(folder, { recursive: true });
  }
}

const LINK = '/Type /Annot /Subtype /Link /Rect [20 20 100 60] /C [1 0 0]';
const native = await loadNativeLibrary();
const skipNative = 'reason' in native && process.env.REQUIRE_ALL === undefined && native.reason;

suite('pdfium, native', { skip: skipNative }, () => {
  const createNative = () => {
    if ('reason' in native) throw new Error(native.reason);
    return createPdfiumEngine(async () => createPdfjsEngine(), native);
  };
  const redAt = async (annotation: string, x: number, y: number) =>
    withPage(await createNative(), annotation, async (document) => {
      const [red, green] = pixelAt(await document.render(1, { ...OPTIONS, scale: 1 }), x, y);
      return red > 200 && green < 100;
    });

  test('the border of a link is drawn as its Border says', async () => {
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 4] >>`, 22, 50), true);
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 4] >>`, 60, 60), false);
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 0] >>`, 22, 50), false);
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 500] >>`, 60, 60), false);
  });

  test('a link without Border has none, nor has one that is hidden or leaves it to BS', async () => {
    assert.equal(await redAt(`<< ${LINK} >>`, 20, 50), false);
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 4] /F 2 >>`, 22, 50), false);
    assert.equal(await redAt(`<< ${LINK} /Border [0 0 4] /BS << /W 0 >> >>`, 22, 50), false);
  });

  test('an annotation of which it would show nothing is a concern', async () => {
    const line = '/Type /Annot /Subtype /Line /Rect [20 20 100 60] /L [20 20 100 60] /C [1 0 0]';
    const concernOf = async (annotation: string) =>
      withPage(await createNative(), annotation, (document) => document.concern(1));
    assert.match((await concernOf(`<< ${line} >>`)) ?? '', /appearance/);
    assert.equal(await concernOf(`<< ${line} /F 2 >>`), undefined);
    assert.equal(await concernOf(`<< ${LINK} /Border [0 0 4] >>`), undefined);
  });
});

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
