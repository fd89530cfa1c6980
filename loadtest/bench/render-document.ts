import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createAutoEngine } from '../../src/raster/auto.ts';
import { createEncode } from '../../src/raster/encode.ts';
import { compilePdfium, createPdfiumEngine, type PdfiumModule } from '../../src/raster/pdfium.ts';
import type { RasterEngine } from '../../src/raster/raster.ts';

const POINTS_PER_INCH = 72;
const MAX_PIXELS = 1_000_000_000;
/** A thread's start costs as much as a few pages: a shorter document is drawn by one. */
const MIN_PAGES = 3;

/** What the threads of one document share. */
interface Order {
  readonly engine: string;
  readonly level: 'fast' | 'small';
  readonly path: string;
  readonly dpi: number;
  readonly folder: string;
  readonly pdfium: PdfiumModule | undefined;
  /** Pages that a thread has taken. */
  readonly taken: Int32Array;
}

/** As in a worker: what an engine does not need is not loaded. */
async function loadEngine({ engine, pdfium }: Order): Promise<RasterEngine> {
  const loadPdfjs = async () => (await import('../../src/raster/pdfjs.ts')).createPdfjsEngine();
  if (pdfium === undefined) return loadPdfjs();
  const first = await createPdfiumEngine(loadPdfjs, pdfium);
  return engine === 'auto' ? createAutoEngine(first, loadPdfjs) : first;
}

/** Draws pages until none is left. */
async function renderPages(order: Order, onOpen?: (pageCount: number) => void): Promise<void> {
  const { level, path, dpi, folder, taken } = order;
  const engine = await loadEngine(order);
  const encode = createEncode((reason) => process.stderr.write(`${reason}\n`));
  const document = await engine.open(path, {});
  onOpen?.(document.pageCount);
  const options = { scale: dpi / POINTS_PER_INCH, transparent: false, maxPixels: MAX_PIXELS };
  for (let page = Atomics.add(taken, 0, 1) + 1; page <= document.pageCount; page = Atomics.add(taken, 0, 1) + 1) {
    const bitmap = await document.render(page, options);
    const png = await encode(bitmap, { format: 'png', quality: 80, grayscale: false, level });
    await writeFile(join(folder, `${page}.png`), png);
  }
  await document.close();
}

/**
 * A cold process, as a peer's program is one: every page of a document to PNG files.
 * ENGINE LEVEL FILE DPI FOLDER THREADS
 */
async function main(): Promise<void> {
  const [engine = '', level = '', path = '', dpi = '', folder = '', threads = '1'] = process.argv.slice(2);
  await mkdir(folder, { recursive: true });
  const order: Order = {
    engine,
    level: level === 'small' ? level : 'fast',
    path,
    dpi: Number(dpi),
    folder,
    pdfium: engine === 'pdfjs' ? undefined : await compilePdfium(),
    taken: new Int32Array(new SharedArrayBuffer(4)),
  };
  await renderPages(order, (pageCount) => {
    const helpers = pageCount < MIN_PAGES ? 0 : Number(threads) - 1;
    for (let helper = 0; helper < helpers; helper++) new Worker(new URL(import.meta.url), { workerData: order });
  });
}

await (isMainThread ? main() : renderPages(workerData));
