import { fileURLToPath } from 'node:url';
import { defineTask, z } from 'penstock';

const SAMPLE = fileURLToPath(new URL('../data/sample-17-pages.pdf', import.meta.url));

/** A pool of eight slots, each with a queue of its own; a job enters the least busy one and draws its document alone. */
export default defineTask({
  name: 'pdf_job',
  description: 'Draws the 17 pages of the sample document, in one worker',
  workers: 8,
  queues: 'per-worker',
  queueSize: 10,
  deadlineS: 60,
  input: z.object({ data: z.string() }),
  async run(_input, { raster, file, progress }) {
    const document = await raster.open(SAMPLE, {});
    const images: unknown[] = [];
    for (let page = 1; page <= document.pageCount; page++) {
      const scale = 200 / 72;
      const bitmap = await document.render(page, { scale, transparent: false, maxPixels: raster.maxPixels });
      const png = await raster.encode(bitmap, { format: 'png', quality: 85, level: 'fast', grayscale: false });
      images.push(await file(`image-${String(page).padStart(2, '0')}.png`, png));
      progress(page / document.pageCount);
    }
    return { data: `job[pdf2image] finished (${Date.now()}), nPages=${images.length}`, images };
  },
});
