import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createEncode } from '../../src/raster/encode.ts';
import type { RasterDocument } from '../../src/raster/raster.ts';
import { createEngine } from './engines.ts';

const POINTS_PER_INCH = 72;
const MAX_PIXELS = 1_000_000_000;
/** A process's start costs as much as a few pages: a shorter document is drawn by one. */
const MIN_PAGES = 3;

interface Order {
  readonly level: 'fast' | 'small';
  readonly dpi: number;
  readonly folder: string;
}

/** Draws the pages that nobody has begun: whoever makes a page's file draws it. */
async function renderPages(document: RasterDocument, { level, dpi, folder }: Order): Promise<void> {
  const encode = createEncode((reason) => process.stderr.write(`${reason}\n`));
  const options = { scale: dpi / POINTS_PER_INCH, transparent: false, maxPixels: MAX_PIXELS };
  for (let page = 1; page <= document.pageCount; page++) {
    const file = await claim(join(folder, `${page}.png`));
    if (file === undefined) continue;
    const bitmap = await document.render(page, options);
    await file.writeFile(await encode(bitmap, { format: 'png', quality: 80, grayscale: false, level }));
    await file.close();
  }
}

/** undefined: another process has it. */
async function claim(path: string) {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/**
 * A cold process, as a peer's program is one: every page of a document to PNG files.
 * ENGINE LEVEL FILE DPI FOLDER PROCESSES
 */
async function main(): Promise<void> {
  const [engine = '', level = '', path = '', dpi = '', folder = '', processes = '1'] = process.argv.slice(2);
  const order: Order = { level: level === 'small' ? level : 'fast', dpi: Number(dpi), folder };
  await mkdir(folder, { recursive: true });
  const document = await (await createEngine(engine)).open(path, {});
  const helpers = document.pageCount < MIN_PAGES ? 0 : Number(processes) - 1;
  const ends = Array.from({ length: helpers }, async () => {
    const args = [...process.execArgv, ...process.argv.slice(1, -1), '1'];
    const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
    if (code !== 0) throw new Error(`the other process ended with ${code}`);
  });
  await renderPages(document, order);
  await document.close();
  await Promise.all(ends);
}

await main();
