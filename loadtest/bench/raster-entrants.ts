import { fileURLToPath } from 'node:url';
import { findProgram } from '../harness/program.ts';

const ENTRY = fileURLToPath(new URL('./render-document.ts', import.meta.url));

/** A program that turns a document into one PNG a page, from its start to its end. */
export interface RasterEntrant {
  readonly name: string;
  readonly command: string;
  arguments(order: RasterOrder): readonly string[];
}

export interface RasterOrder {
  readonly path: string;
  readonly dpi: number;
  /** An empty folder. */
  readonly into: string;
}

function ours(engine: string, level: string, processes = 1): RasterEntrant {
  return {
    name: `${engine} ${level}${processes > 1 ? `, ${processes} processes` : ''}`,
    command: process.execPath,
    arguments: ({ path, dpi, into }) => [ENTRY, engine, level, path, String(dpi), into, String(processes)],
  };
}

function mupdf(name: string, flags: readonly string[]): RasterEntrant {
  return {
    name,
    command: 'mutool',
    arguments: ({ path, dpi, into }) => ['draw', '-q', ...flags, '-r', String(dpi), '-o', `${into}/%d.png`, path],
  };
}

/** What every ratio is to. */
export const POPPLER = 'pdftoppm -png';
export const MUPDF = 'mutool draw';
export const OURS = 'auto fast, 2 processes';
export const OURS_SMALL = 'auto small';

/** Poppler and MuPDF write RGB; the engines' encoder writes gray where a page is gray. */
const PEERS: readonly RasterEntrant[] = [
  {
    name: POPPLER,
    command: 'pdftoppm',
    arguments: ({ path, dpi, into }) => ['-png', '-cropbox', '-r', String(dpi), path, `${into}/page`],
  },
  mupdf(MUPDF, []),
  // Bands of a page at once, and the next page read meanwhile: all that it can do with a second core.
  mupdf(`${MUPDF}, 2 threads`, ['-P', '-T', '2', '-B', '256']),
];

/** Those that are installed here. */
export function listEntrants(): readonly RasterEntrant[] {
  const peers = PEERS.filter(({ command }) => findProgram(command) !== undefined);
  const engines = [ours('auto-wasm', 'fast', 2), ours('auto-wasm', 'fast'), ours('pdfjs', 'fast')];
  return [...peers, ours('auto', 'fast', 2), ours('auto', 'fast'), ours('auto', 'small'), ...engines];
}
