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

function ours(engine: string, level: string): RasterEntrant {
  return {
    name: `${engine} ${level}`,
    command: process.execPath,
    arguments: ({ path, dpi, into }) => [ENTRY, engine, level, path, String(dpi), into],
  };
}

/** What every ratio is to. */
export const POPPLER = 'pdftoppm -png';
export const MUPDF = 'mutool draw';

/** Poppler and MuPDF write RGB; the engines' encoder writes gray where a page is gray. */
const PEERS: readonly RasterEntrant[] = [
  {
    name: POPPLER,
    command: 'pdftoppm',
    arguments: ({ path, dpi, into }) => ['-png', '-cropbox', '-r', String(dpi), path, `${into}/page`],
  },
  {
    name: MUPDF,
    command: 'mutool',
    arguments: ({ path, dpi, into }) => ['draw', '-q', '-r', String(dpi), '-o', `${into}/%d.png`, path],
  },
];

/** Those that are installed here. */
export function listEntrants(): readonly RasterEntrant[] {
  const peers = PEERS.filter(({ command }) => findProgram(command) !== undefined);
  return [...peers, ours('auto', 'fast'), ours('auto', 'small'), ours('pdfium', 'fast'), ours('pdfjs', 'fast')];
}
