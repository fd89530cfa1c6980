import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isBlank } from '../../src/raster/blank.ts';
import type { Lab } from '../harness/lab.ts';
import { runProgram } from '../harness/program.ts';
import { type Painted, type Painter, startPainter } from './painter.ts';
import { difference, type Picture, readPpm } from './picture.ts';

const ENGINES = ['auto', 'pdfium', 'pdfium-wasm', 'pdfjs'] as const;
const POINTS_PER_INCH = 72;

/** Who paints: `auto`, the engines it is made of (PDFium as machine code and in WebAssembly), and the foreign one. */
export const NAMES = [...ENGINES, 'pdftoppm'] as const;

export type Outcome = Painted & { readonly seconds: number };

/** One page as each of them paints it. */
export interface Hanging {
  readonly file: string;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly pictures: ReadonlyMap<string, Picture>;
  /** By `one-other`; NaN: the sizes differ. */
  readonly differences: ReadonlyMap<string, number>;
}

export interface GalleryOptions {
  readonly dpi: number;
  readonly limitMs: number;
  /** A folder for the pixels. */
  readonly scratch: string;
}

export interface Gallery {
  hang(path: string): Promise<Hanging>;
}

/** The engines' processes end with the lab. */
export function createGallery(lab: Lab, options: GalleryOptions): Gallery {
  const painters = ENGINES.map(startPainter);
  lab.defer(() => {
    for (const painter of painters) painter.stop();
  });
  return {
    async hang(path) {
      const outcomes = new Map<string, Outcome>();
      const pictures = new Map<string, Picture>();
      const all = [
        ...painters.map((painter) => () => paintBy(painter, path, options)),
        () => paintForeign(lab, path, options),
      ];
      for (const [index, paint] of all.entries()) {
        const name = NAMES[index] ?? '';
        const { outcome, picture } = await paint();
        outcomes.set(name, outcome);
        if (picture) pictures.set(name, picture);
      }
      return { file: basename(path), outcomes, pictures, differences: compareAll(pictures) };
    },
  };
}

interface Painting {
  readonly outcome: Outcome;
  readonly picture: Picture | undefined;
}

async function paintBy(painter: Painter, path: string, { dpi, limitMs, scratch }: GalleryOptions): Promise<Painting> {
  const into = join(scratch, painter.name);
  const outcome = await painter.paint({ path, page: 1, scale: dpi / POINTS_PER_INCH, into }, limitMs);
  if (outcome.type !== 'drawn') return { outcome, picture: undefined };
  return { outcome, picture: { width: outcome.width, height: outcome.height, data: await readFile(into) } };
}

async function paintForeign(lab: Lab, path: string, { dpi, limitMs, scratch }: GalleryOptions): Promise<Painting> {
  const into = join(scratch, 'foreign');
  await rm(`${into}.ppm`, { force: true });
  const start = performance.now();
  const limit = AbortSignal.timeout(limitMs);
  // Poppler takes the media box unless told otherwise.
  const args = ['-r', String(dpi), '-f', '1', '-l', '1', '-singlefile', '-cropbox', path, into];
  const { code, stderr } = await runProgram('pdftoppm', args, AbortSignal.any([lab.signal, limit]));
  const seconds = (performance.now() - start) / 1000;
  if (limit.aborted) return { outcome: { type: 'hung', seconds }, picture: undefined };
  try {
    const picture = await readPpm(`${into}.ppm`);
    const { width, height } = picture;
    return {
      outcome: { type: 'drawn', width, height, isBlank: isBlank(picture), engine: 'poppler', seconds },
      picture,
    };
  } catch (error) {
    const reason = stderr.trim().split('\n')[0] ?? '';
    return { outcome: { type: 'failed', reason: reason || `${code}, ${error}`, seconds }, picture: undefined };
  }
}

function compareAll(pictures: ReadonlyMap<string, Picture>): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [one, left] of pictures) {
    for (const [other, right] of pictures) if (one !== other) found.set(`${one}-${other}`, difference(left, right));
  }
  return found;
}
