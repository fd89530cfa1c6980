import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openLab } from './lab.ts';
import { recordReport, renderReport } from './report.ts';
import type { Scenario } from './scenario.ts';

const COMMON = {
  transport: { type: 'string', default: 'uws', doc: 'uws or node' },
  seed: { type: 'string', default: '1', doc: 'of all that is random' },
  entry: { type: 'string', default: 'src/main.ts', doc: 'the server that is started' },
  root: { type: 'string', default: '', doc: 'folder for the run, on the disk to be measured; empty: temporary files' },
  only: { type: 'string', default: '', doc: 'peers of a bench by the start of their names, a,b,c; empty: all' },
  limit: { type: 'string', default: '7200', doc: 'seconds after which the run is ended' },
  dry: { type: 'boolean', default: false, doc: 'leave RESULTS.md and the pictures as they are' },
  list: { type: 'boolean', default: false, doc: 'what there is to run' },
  help: { type: 'boolean', default: false, doc: 'this text' },
} as const;

const FOLDER = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** One npm script: its name for the help text, what it can run, and its arguments. */
export interface CliOptions {
  /** The npm script. */
  readonly script: string;
  readonly scenarios: readonly Scenario[];
  readonly args: readonly string[];
}

/** Runs what the arguments name; the exit code: 0 promises kept or skipped with a reason, 1 a promise broken, 2 wrong call. */
export async function runCli({ script, scenarios, args }: CliOptions): Promise<number> {
  const scenario = scenarios.find(({ name }) => name === args[0]);
  if (args.includes('--list')) {
    for (const { name, summary } of scenarios) console.log(`${name.padEnd(12)} ${summary}`);
    return 0;
  }
  if (args.includes('--help') || !scenario) {
    console.log(helpText(script, scenarios));
    return args.includes('--help') ? 0 : 2;
  }
  return (await run(script, scenario, args)) ? 0 : 1;
}

function helpText(script: string, scenarios: readonly Scenario[]): string {
  const flag = (name: string, doc: string, preset: unknown) =>
    `  --${name.padEnd(12)} ${doc}${preset === '' || preset === false ? '' : ` (${preset})`}`;
  const common = Object.entries(COMMON).map(([name, option]) => flag(name, option.doc, option.default));
  const each = scenarios.map(({ name, summary, settings }) => {
    const own = Object.entries(settings).map(([key, setting]) => flag(key, setting.doc, setting.default));
    return [`${name}: ${summary}`, ...own].join('\n');
  });
  return [
    `npm run ${script} -- <name> [--flag value ...] [-- --server-flag value ...]`,
    'Exit code: 0 promises kept or skipped with a reason, 1 a promise was broken, 2 wrong call.',
    ['For all', ...common].join('\n'),
    ...each,
  ].join('\n\n');
}

async function run(script: string, scenario: Scenario, args: readonly string[]): Promise<boolean> {
  const [own, flags] = splitArgs(args);
  const { values, number, numbers, operands } = parse(scenario, own);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  }
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(number('limit') * 1000)]);
  const { entry, transport, root, only } = values;
  await using lab = await openLab({
    ...{ entry, transport, flags, signal },
    seed: number('seed'),
    only: only === '' ? [] : only.split(','),
    operands,
    ...(root === '' ? {} : { root }),
  });
  const report = await scenario.run(lab, numbers);
  signal.throwIfAborted();
  console.log(`\n${renderReport(report)}\n`);
  const command = `npm run ${script} -- ${args.join(' ')}`;
  const title = script === 'bench' ? scenario.name : `${scenario.name} on ${transport}`;
  if (!values.dry) await recordReport({ folder: FOLDER, title, command, report });
  return (report.promises ?? []).every(({ isKept }) => isKept);
}

/** Everything after a `--` of its own goes to the server as it is. */
function splitArgs(args: readonly string[]): [own: readonly string[], server: readonly string[]] {
  const at = args.indexOf('--');
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
}

function parse(scenario: Scenario, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(scenario.settings).map(([name, setting]) => [
      name,
      { type: 'string' as const, default: String(setting.default) },
    ]),
  );
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...options, ...COMMON },
    allowPositionals: true,
  });
  const number = (name: string) => {
    const value = Number(Object.entries(values).find(([key]) => key === name)?.[1]);
    if (!Number.isFinite(value)) throw new Error(`--${name} must be a number`);
    return value;
  };
  const [, ...operands] = positionals;
  return {
    values,
    number,
    operands,
    numbers: Object.fromEntries(Object.keys(options).map((name) => [name, number(name)])),
  };
}
