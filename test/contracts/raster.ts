import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import type { Bitmap, RasterDocument, RasterEngine } from '../../src/raster/raster.ts';
import { assertColor, darkShare, pixelAt } from './raster-pixels.ts';

const DATA = join(import.meta.dirname, '../../data');
const MIXED = join(DATA, 'sample-17-pages.pdf');
const MAX_PIXELS = 50_000_000;
const A4 = { width: 595.276, height: 841.89 };

async function withDocument<T>(
  engine: RasterEngine,
  path: string,
  use: (document: RasterDocument) => Promise<T>,
): Promise<T> {
  const document = await engine.open(path, {});
  try {
    return await use(document);
  } finally {
    await document.close();
  }
}

function draw(document: RasterDocument, page: number, scale = 1, transparent = false): Promise<Bitmap> {
  return document.render(page, { scale, transparent, maxPixels: MAX_PIXELS });
}

function hasCode(code: ErrorCode, detail: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, detail);
    return true;
  };
}

/** What every raster engine must do, on the sample documents in data/. */
export function rasterContract(name: string, createEngine: () => RasterEngine): void {
  suite(`raster: ${name}`, () => {
    const engine = createEngine();
    geometry(engine);
    content(engine);
    failures(engine);
    lifecycle(engine);
  });
}

function geometry(engine: RasterEngine): void {
  test('a document knows its pages and their sizes in points', async () => {
    await withDocument(engine, MIXED, async (document) => {
      assert.equal(document.pageCount, 17);
      const { width, height } = await document.pageSize(1);
      assert.ok(Math.abs(width - A4.width) < 0.01 && Math.abs(height - A4.height) < 0.01);
    });
  });

  test('a page has as many pixels as its points times the scale, rounded', async () => {
    await withDocument(engine, MIXED, async (document) => {
      for (const [page, dpi, width, height] of [
        [1, 72, 595, 842],
        [1, 200, 1654, 2339],
        [2, 200, 1700, 2200],
        [2, 10, 85, 110],
      ] as const) {
        const bitmap = await draw(document, page, dpi / 72);
        assert.deepEqual([bitmap.width, bitmap.height, bitmap.data.length], [width, height, width * height * 4]);
      }
    });
  });

  test('a turned page is shown upright', async () => {
    await withDocument(engine, MIXED, async (document) => {
      const size = await document.pageSize(13);
      assert.ok(size.width > size.height);
      const bitmap = await draw(document, 13);
      assertColor(bitmap, [60, 60], [230, 26, 26, 255]);
      assertColor(bitmap, [780, 60], [245, 247, 237, 255]);
    });
  });

  test('a cropped page shows the crop box and nothing else', async () => {
    await withDocument(engine, MIXED, async (document) => {
      assert.deepEqual(await document.pageSize(14), { width: 500, height: 700 });
      const bitmap = await draw(document, 14);
      assert.deepEqual([bitmap.width, bitmap.height], [500, 700]);
      for (const corner of [
        [2, 2],
        [497, 2],
        [2, 697],
        [497, 697],
      ] as const)
        assertColor(bitmap, corner, [0, 128, 51, 255]);
    });
  });
}

function content(engine: RasterEngine): void {
  test('the paper is white and opaque, or transparent on request', async () => {
    await withDocument(engine, MIXED, async (document) => {
      assertColor(await draw(document, 1), [20, 600], [255, 255, 255, 255], 0);
      const glass = await draw(document, 1, 1, true);
      assertColor(glass, [20, 600], [0, 0, 0, 0], 0);
      assertColor(glass, [20, 20], [23, 84, 140, 255]);
    });
  });

  test('half transparent colours are not premultiplied', async () => {
    await withDocument(engine, MIXED, async (document) => {
      const bitmap = await draw(document, 16, 1, true);
      assertColor(bitmap, [440, A4.height - 70], [31, 120, 181, 89], 8);
    });
  });

  test('text shows in embedded, standard and CJK fonts', async () => {
    await withDocument(engine, MIXED, async (document) => {
      for (const [page, area] of [
        [1, { x: 60, y: 230, width: 470, height: 250 }],
        [2, { x: 54, y: 90, width: 500, height: 500 }],
        [3, { x: 190, y: 40, width: 300, height: 460 }],
        [4, { x: 50, y: 90, width: 500, height: 640 }],
        [11, { x: 75, y: 100, width: 280, height: 150 }],
        [11, { x: 75, y: 300, width: 210, height: 110 }],
        [11, { x: 75, y: 470, width: 210, height: 80 }],
        [12, { x: 60, y: 110, width: 240, height: 170 }],
        [12, { x: 415, y: 140, width: 100, height: 340 }],
      ] as const) {
        const share = darkShare(await draw(document, page), area);
        assert.ok(share > 0.015 && share < 0.4, `page ${page}: ${share} of the text's area is dark`);
      }
    });
  });

  test('photographs show by JPEG and by JPEG 2000', async () => {
    await withDocument(engine, MIXED, async (document) => {
      for (const page of [7, 10]) {
        const bitmap = await draw(document, page);
        assertColor(bitmap, [380, 190], [255, 240, 200, 255], 12);
        const [red, green, blue] = pixelAt(bitmap, 300, 270);
        assert.ok(green > red && green > blue, `page ${page}: the hills are green`);
      }
    });
  });

  test('scans show by CCITT and by JBIG2, black on white', async () => {
    await withDocument(engine, MIXED, async (document) => {
      for (const page of [8, 9]) {
        const bitmap = await draw(document, page, 2);
        const letters = darkShare(bitmap, { x: 140, y: 240, width: 900, height: 800 });
        assert.ok(letters > 0.03 && letters < 0.2, `page ${page}: ${letters} of the letter is dark`);
        const margin = darkShare(bitmap, { x: 10, y: 10, width: 1000, height: 60 });
        assert.ok(margin < 0.01, `page ${page}: ${margin} of the margin is dark`);
      }
    });
  });

  test('form fields and annotations are drawn', async () => {
    await withDocument(engine, MIXED, async (document) => {
      const bitmap = await draw(document, 15);
      assertColor(bitmap, [300, 112], [237, 245, 255, 255]);
      assertColor(bitmap, [100, 542], [242, 230, 255, 255]);
      assertColor(bitmap, [59, 438], [255, 230, 51, 255]);
      assert.ok(darkShare(bitmap, { x: 150, y: 238, width: 20, height: 20 }) > 0.15, 'the box is ticked');
    });
  });

  test('blend modes and colour spaces come out right', async () => {
    await withDocument(engine, MIXED, async (document) => {
      const blended = await draw(document, 16);
      assertColor(blended, [485, 236], [0, 0, 14, 255], 24);
      const colours = await draw(document, 17);
      assertColor(colours, [320, 105], [255, 0, 0, 255], 12);
      assertColor(colours, [60, 382], [204, 26, 77, 255], 12);
      assertColor(colours, [190, 400], [230, 230, 230, 255], 12);
    });
  });

  test('the text of a page can be read', async () => {
    await withDocument(engine, MIXED, async (document) => {
      assert.match(await document.text(1), /A penstock is the pipe that carries water/);
      assert.match(await document.text(11), /水力発電所の水圧管路は/);
      assert.match(await document.text(12), /春の水は冷たく/);
      assert.equal((await document.text(8)).trim(), '');
    });
  });
}

function failures(engine: RasterEngine): void {
  const open = (file: string, password?: string) =>
    engine.open(join(DATA, 'failures', file), password === undefined ? {} : { password });

  test('an encrypted document needs its password, and the answer tells a missing from a wrong one', async () => {
    await assert.rejects(open('password.pdf'), hasCode('password_required', /needs a password/));
    await assert.rejects(open('password.pdf', 'guess'), hasCode('password_required', /wrong/));
    const document = await open('password.pdf', 'penstock');
    assertColor(await draw(document, 1), [20, 20], [23, 84, 140, 255]);
    await document.close();
  });

  for (const file of ['not-a-pdf.pdf', 'truncated.pdf', 'no-pages.pdf']) {
    test(`${file} is not opened`, () => assert.rejects(open(file), hasCode('invalid_pdf', /./)));
  }

  for (const file of ['damaged-jpx.pdf', 'damaged-jpeg.pdf', 'damaged-content.pdf', 'huge-image.pdf']) {
    test(`the page of ${file} is an error, not a blank picture`, async () => {
      const document = await open(file);
      for (const transparent of [false, true]) {
        await assert.rejects(draw(document, 1, 1, transparent), hasCode('invalid_pdf', /page 1 /));
      }
      await document.close();
    });
  }

  for (const file of ['empty-page.pdf', 'white-page.pdf']) {
    test(`the page of ${file} is blank as it should be`, async () => {
      const document = await open(file);
      const bitmap = await draw(document, 1);
      assert.ok(bitmap.data.every((part) => part === 255));
      await document.close();
    });
  }

  test('a page of exactly the limit is drawn, one pixel less is refused before anything is allocated', async () => {
    await withDocument(engine, MIXED, async (document) => {
      const options = { scale: 1, transparent: false };
      const { width, height } = await document.render(2, { ...options, maxPixels: 612 * 792 });
      assert.equal(width * height, 612 * 792);
      const refused = document.render(2, { ...options, maxPixels: 612 * 792 - 1 });
      await assert.rejects(refused, hasCode('page_too_large', /612 x 792/));
    });
    const huge = await open('huge-page.pdf');
    await assert.rejects(draw(huge, 1), hasCode('page_too_large', /pixels/));
    await huge.close();
  });

  test('a scale that is no number is refused', async () => {
    await withDocument(engine, MIXED, (document) =>
      assert.rejects(draw(document, 1, Number.NaN), hasCode('page_too_large', /NaN/)),
    );
  });

  test('a page that is not there is refused', async () => {
    await withDocument(engine, MIXED, async (document) => {
      for (const page of [0, 18, -1, 1.5, Number.NaN]) {
        await assert.rejects(draw(document, page), hasCode('invalid_input', /there is no page/));
        await assert.rejects(document.pageSize(page), hasCode('invalid_input', /there is no page/));
        await assert.rejects(document.text(page), hasCode('invalid_input', /there is no page/));
      }
    });
  });
}

function lifecycle(engine: RasterEngine): void {
  test('pages are drawn in any order, again, and from two documents at once', async () => {
    const [one, two] = await Promise.all([engine.open(MIXED, {}), engine.open(MIXED, {})]);
    const first = Buffer.from((await draw(one, 5)).data);
    await draw(two, 17);
    assert.ok(first.equals((await draw(two, 5)).data));
    await one.close();
    assert.ok(first.equals((await draw(two, 5)).data));
    await two.close();
  });

  test('a document that is closed draws no more', async () => {
    const document = await engine.open(MIXED, {});
    await document.close();
    await assert.rejects(draw(document, 1));
  });

  test('twenty documents opened and closed leave the memory level', async () => {
    const round = () => withDocument(engine, MIXED, async (document) => void (await draw(document, 7, 0.5)));
    for (let warmUp = 0; warmUp < 5; warmUp++) await round();
    const before = process.memoryUsage().rss;
    for (let index = 0; index < 20; index++) await round();
    const growth = process.memoryUsage().rss - before;
    assert.ok(growth < 100_000_000, `memory grew by ${growth} bytes`);
  });

  test('nothing is printed, whatever the document', async (context) => {
    const calls = [context.mock.method(console, 'log'), context.mock.method(console, 'warn')];
    for (const file of ['damaged-jpx.pdf', 'damaged-content.pdf', 'huge-image.pdf']) {
      await withDocument(engine, join(DATA, 'failures', file), async (document) => {
        await assert.rejects(draw(document, 1));
      });
    }
    for (const { mock } of calls) assert.equal(mock.callCount(), 0);
  });
}
