import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { type Chart, drawChart } from './chart.ts';
import { renderTable, type Table } from './table.ts';

/** What a run has shown. */
export interface Report {
  readonly tables: readonly Table[];
  readonly charts?: readonly Chart[];
  readonly promises?: readonly Promised[];
  readonly notes?: readonly string[];
  /** Why nothing was run here. */
  readonly skipped?: string;
}

/** A promise of the product beside what was measured. */
export interface Promised {
  readonly text: string;
  readonly measured: string;
  readonly isKept: boolean;
}

/** Cores, memory, kernel, Node. */
function describeMachine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cores.length} cores (${model}), ${memory}, Linux ${release()}, Node ${process.version}`;
}

/** Everything but the pictures as Markdown, which is also what the terminal shows. */
export function renderReport({ tables, promises = [], notes = [], skipped }: Report): string {
  const promised: Table = {
    title: 'Promises',
    head: ['promise', 'measured', 'kept'],
    rows: promises.map(({ text, measured, isKept }) => [text, measured, isKept ? 'yes' : 'NO']),
  };
  const shown = promises.length > 0 ? [...tables, promised] : tables;
  return [
    ...(skipped === undefined ? [] : [`Skipped: ${skipped}`]),
    ...shown.map((table) => `**${table.title}**\n\n${renderTable(table)}`),
    ...notes,
  ].join('\n\n');
}

/** One section of RESULTS.md. */
export interface RecordOptions {
  /** The loadtest folder: holds RESULTS.md and pictures/. */
  readonly folder: string;
  readonly title: string;
  /** The command that repeats the run. */
  readonly command: string;
  readonly report: Report;
}

/** Draws the charts and appends one dated section to RESULTS.md; a picture of the same name is replaced. */
export async function recordReport({ folder, title, command, report }: RecordOptions): Promise<void> {
  const { charts = [] } = report;
  await mkdir(`${folder}/pictures`, { recursive: true });
  for (const chart of charts) await writeFile(`${folder}/pictures/${chart.name}.svg`, drawChart(chart));
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const pictures = charts.map((chart) => `![${chart.title}](pictures/${chart.name}.svg)`);
  const section = [
    `## ${title}, ${date} UTC`,
    `\`${command}\`  \n${describeMachine()}`,
    renderReport(report),
    ...pictures,
  ];
  await writeFile(`${folder}/RESULTS.md`, '# Results\n\nAppended by `npm run loadtest` and `npm run bench`.\n', {
    flag: 'wx',
  }).catch(ignoreExisting);
  await appendFile(`${folder}/RESULTS.md`, `\n${section.join('\n\n')}\n`);
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
