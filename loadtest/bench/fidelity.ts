import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../harness/report.ts';
import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { round, type Table } from '../harness/table.ts';
import { createSheets } from './contact-sheets.ts';
import { createGallery, type Hanging, NAMES } from './gallery.ts';

/** Above this mean difference a page is listed: less is hinting, anti-aliasing and the rounding of colours. */
const NOTEWORTHY = 3;
const PAIRS = [
  ['pdfium', 'pdfjs'],
  ['pdfium', 'pdfium-wasm'],
  ['pdfium', 'pdftoppm'],
  ['pdfjs', 'pdftoppm'],
  ['auto', 'pdftoppm'],
] as const;

/** The first page of every PDF of a folder by both engines, by `auto` and by pdftoppm. */
export const fidelity = defineScenario({
  name: 'fidelity',
  summary: 'DIR [SHEETS]: the PDFs of a folder by each engine and by pdftoppm: failures, hangs, blanks, differences',
  settings: {
    dpi: { default: 72, doc: 'dots per inch' },
    files: { default: 0, doc: 'of the folder, evenly chosen; 0: all' },
    patience: { default: 20, doc: 'seconds for a page, after which its engine counts as hanging' },
  },
  async run(lab, { dpi, files, patience }) {
    const [folder, sheetFolder] = lab.operands;
    if (folder === undefined) return { tables: [], skipped: 'which folder? npm run bench -- fidelity DIR [SHEETS]' };
    const sheets = createSheets(sheetFolder);
    const gallery = createGallery(lab, { dpi, limitMs: patience * 1000, scratch: await lab.folder('pixels') });
    const all: Hanging[] = [];
    for (const path of await choose(folder, files)) {
      lab.signal.throwIfAborted();
      const hanging = await gallery.hang(path);
      all.push({ ...hanging, pictures: new Map() });
      if (isOdd(hanging)) await sheets.add(hanging);
      if (all.length % 50 === 0) lab.say(`${all.length} files`);
    }
    await sheets.end();
    return reportOf(all);
  },
});

async function choose(folder: string, count: number): Promise<readonly string[]> {
  const all = (await readdir(folder)).filter((name) => name.toLowerCase().endsWith('.pdf')).sort();
  const step = count > 0 ? Math.max(1, all.length / count) : 1;
  const chosen = Array.from({ length: Math.floor(all.length / step) }, (_, index) => all[Math.floor(index * step)]);
  return chosen.flatMap((name) => (name === undefined ? [] : join(folder, name)));
}

function distance({ differences }: Hanging, pair: readonly string[]): number | undefined {
  return differences.get(pair.join('-'));
}

function isOdd(hanging: Hanging): boolean {
  const far = distance(hanging, ['pdfium', 'pdfjs']);
  return far !== undefined && !(far <= NOTEWORTHY);
}

function reportOf(all: readonly Hanging[]): Report {
  const unpainted = all.filter(({ outcomes }) => {
    const isDrawn = (name: string) => outcomes.get(name)?.type === 'drawn';
    return !isDrawn('auto') && (isDrawn('pdfium') || isDrawn('pdfjs'));
  });
  const blank = all.filter(({ outcomes }) => {
    const shows = (name: string) => outcomes.get(name)?.type === 'drawn' && !isBlank(outcomes.get(name));
    return isBlank(outcomes.get('auto')) && (shows('pdfium') || shows('pdfjs'));
  });
  return {
    tables: [countTable(all), distanceTable(all), oddTable(all), failureTable(all)],
    promises: [
      promise('auto draws whatever either engine draws', unpainted.length === 0, namesOf(unpainted)),
      promise('auto is not blank where either engine is not', blank.length === 0, namesOf(blank)),
    ],
  };
}

function isBlank(outcome: ReturnType<Hanging['outcomes']['get']>): boolean {
  return outcome?.type === 'drawn' && outcome.isBlank;
}

function namesOf(all: readonly Hanging[]): string {
  return all.length === 0 ? 'all' : `all but ${all.map(({ file }) => file).join(', ')}`;
}

function countTable(all: readonly Hanging[]): Table {
  const rows = NAMES.map((name) => {
    const outcomes = all.flatMap((hanging) => hanging.outcomes.get(name) ?? []);
    const count = (type: string) => String(outcomes.filter((outcome) => outcome.type === type).length);
    const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
    const by = outcomes.filter((outcome) => outcome.type === 'drawn' && outcome.engine === 'pdfjs').length;
    const blank = outcomes.filter(isBlank).length;
    return [name, ...['drawn', 'failed', 'hung', 'crashed'].map(count), String(blank), String(by), round(seconds)];
  });
  const head = ['', 'drawn', 'failed', 'hung', 'crashed', 'blank', 'by pdf.js', 'seconds'];
  return { title: `First pages of ${all.length} files`, head, rows };
}

function distanceTable(all: readonly Hanging[]): Table {
  const rows = PAIRS.map((pair) => {
    const found = all.flatMap((hanging) => distance(hanging, pair) ?? []);
    const values = found.filter(Number.isFinite).sort((left, right) => left - right);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const at = (share: number) => round(values[Math.floor(values.length * share)] ?? Number.NaN);
    const far = values.filter((value) => value > NOTEWORTHY).length;
    return [pair.join(' to '), round(mean), at(0.5), at(0.95), String(far), String(found.length - values.length)];
  });
  const head = ['', 'mean', 'median', 'p95', `above ${NOTEWORTHY}`, 'other size'];
  return { title: 'Mean absolute difference of a page, of 255', head, rows };
}

function oddTable(all: readonly Hanging[]): Table {
  const rows = all.filter(isOdd).map((hanging) => {
    return [hanging.file, ...PAIRS.map((pair) => round(distance(hanging, pair) ?? Number.NaN))];
  });
  return { title: 'Pages that the engines draw differently', head: ['', ...PAIRS.map((pair) => pair.join('-'))], rows };
}

function failureTable(all: readonly Hanging[]): Table {
  const rows = all.flatMap(({ file, outcomes }) => {
    const cells = NAMES.map((name) => {
      const outcome = outcomes.get(name);
      if (outcome?.type === 'drawn') return outcome.isBlank ? 'blank' : 'drawn';
      return (outcome && 'reason' in outcome ? outcome.reason : (outcome?.type ?? '')).slice(0, 90);
    });
    return new Set(cells.slice(0, -1)).size > 1 ? [[file, ...cells]] : [];
  });
  return { title: 'Pages that not every engine draws, or shows', head: ['', ...NAMES], rows };
}
