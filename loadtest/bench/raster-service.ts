import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Lab } from '../harness/lab.ts';
import type { Promised } from '../harness/report.ts';
import { promise } from '../harness/shapes.ts';
import { round, type Table } from '../harness/table.ts';

const AT_ONCE = 8;

export interface ServiceOptions {
  readonly files: readonly string[];
  readonly dpi: number;
  readonly rounds: number;
  /** Seconds of a cold mutool for each file. */
  readonly cold: ReadonlyMap<string, number>;
}

export interface ServiceFigures {
  readonly table: Table;
  readonly kept: readonly Promised[];
}

/** From the first byte of the upload to the whole answer, on a warm server: one call at a time, then eight at once. */
export async function measureService(lab: Lab, { files, dpi, rounds, cold }: ServiceOptions): Promise<ServiceFigures> {
  const flags = ['--engine', 'auto', '--deadline', '600', '--workers', '2'];
  const server = await lab.start({ flags });
  // Each call is its own work: twins of one document would share a render.
  let calls = 0;
  const call = async (path: string) => {
    calls += 1;
    const url = `${server.origin}/pdf2image?dpi=${dpi - calls / 10_000}`;
    const answer = await fetch(url, { method: 'POST', body: await readFile(path), signal: lab.signal });
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  const rows: string[][] = [];
  const kept: Promised[] = [];
  const aim = dpi < 100 ? 1 : 2;
  for (const path of files) {
    await Promise.all([call(path), call(path)]);
    const alone: number[] = [];
    const together: number[] = [];
    for (let index = 0; index < rounds; index++) {
      alone.push(await seconds(() => call(path)));
      together.push(await seconds(() => Promise.all(Array.from({ length: AT_ONCE }, () => call(path)))));
    }
    const ratio = (cold.get(path) ?? Number.NaN) / median(alone);
    const ratios = [`${ratio.toFixed(2)} ×`, round(median(together)), round(median(together) / AT_ONCE)];
    rows.push([basename(path), round(median(alone)), ...ratios]);
    kept.push(promise(`${basename(path)} through HTTP: ${aim} x a cold mutool`, ratio >= aim, `${ratio.toFixed(2)} ×`));
    lab.say(`${basename(path)} through the service`);
  }
  const head = ['', 'one, s', 'cold mutool ÷', `${AT_ONCE} at once, s`, 'per document, s'];
  return { table: { title: `Through the service, warm, 2 workers, ${dpi} dpi`, head, rows }, kept };
}

async function seconds(use: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await use();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
