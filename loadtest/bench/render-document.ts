import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAutoEngine } from '../../src/raster/auto.ts';
import { createEncode } from '../../src/raster/encode.ts';
import { createPdfiumEngine } from '../../src/raster/pdfium.ts';
import type { PngLevel, RasterEngine } from '../../src/raster/raster.ts';

const POINTS_PER_INCH = 72;
const MAX_PIXELS = 1_000_000_000;

/** As in a worker: what an engine does not need is not loaded. */
async function loadEngine(name: string): Promise<RasterEngine> {
  const loadPdfjs = async () => (await import('../../src/raster/pdfjs.ts')).createPdfjsEngine();
  if (name === 'pdfjs') return loadPdfjs();
  const pdfium = await createPdfiumEngine(loadPdfjs);
  return name === 'auto' ? createAutoEngine(pdfium, loadPdfjs) : pdfium;
}

/** A cold process, as a peer's program is one: every page of a document to PNG files. ENGINE LEVEL FILE DPI FOLDER */
async function main(): Promise<void> {
  const [engineName = '', level = '', path = '', dpi = '', folder = ''] = process.argv.slice(2);
  await mkdir(folder, { recursive: true });
  const engine = await loadEngine(engineName);
  const encode = createEncode((reason) => process.stderr.write(`${reason}\n`));
  const document = await engine.open(path, {});
  const options = { scale: Number(dpi) / POINTS_PER_INCH, transparent: false, maxPixels: MAX_PIXELS };
  for (let page = 1; page <= document.pageCount; page++) {
    const bitmap = await document.render(page, options);
    const png = await encode(bitmap, { format: 'png', quality: 80, grayscale: false, level: level as PngLevel });
    await writeFile(join(folder, `${page}.png`), png);
  }
  await document.close();
}

await main();
