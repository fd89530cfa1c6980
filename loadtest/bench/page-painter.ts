import { writeFileSync } from 'node:fs';
import { isBlank } from '../../src/raster/blank.ts';
import type { RasterEngine } from '../../src/raster/raster.ts';
import { createEngine } from './engines.ts';
import type { Painted, PaintOrder } from './painter.ts';

const MAX_PIXELS = 100_000_000;

async function paint(engine: RasterEngine, { path, page, scale, into }: PaintOrder): Promise<Painted> {
  try {
    const document = await engine.open(path, {});
    try {
      const bitmap = await document.render(page, { scale, transparent: false, maxPixels: MAX_PIXELS });
      writeFileSync(into, bitmap.data);
      const { width, height } = bitmap;
      return { type: 'drawn', width, height, isBlank: isBlank(bitmap), engine: bitmap.engine ?? engine.name };
    } finally {
      await document.close();
    }
  } catch (error) {
    return { type: 'failed', reason: String(error).slice(0, 300) };
  }
}

/** A process with one engine, which may hang or die at any order. */
function main(): void {
  const engine = createEngine(process.argv[2] ?? 'auto');
  process.on('message', async (order: PaintOrder) => process.send?.(await paint(await engine, order)));
  process.on('disconnect', () => process.exit());
}

main();
