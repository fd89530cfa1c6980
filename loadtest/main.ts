import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openLab } from './harness/lab.ts';
import { recordReport, renderReport } from './harness/report.ts';
import type { Scenario } from './harness/scenario.ts';
import { abortStorm } from './scenarios/abort-storm.ts';
import { curl } from './scenarios/curl.ts';
import { netem } from './scenarios/netem.ts';
import { overload } from './scenarios/overload.ts';
import { slowCrowd } from './scenarios/slow-crowd.ts';
import { slowDisk } from './scenarios/slow-disk.ts';
import { slowhttp } from './scenarios/slowhttp.ts';
import { soak } from './scenarios/soak.ts';

const SCENARIOS: readonly Scenario[] = [slowCrowd, overload, soak, abortStorm, slowDisk, curl, netem, slowhttp];

const COMMON = {
  transport: { type: 'string', default: 'uws', doc: 'uws or node' },
  seed: { type: 'string', default: '1', doc: 'of all that is random' },
  entry: { type: 'string', default: 'src/main.ts', doc: 'the server that is started' },
  root: {
    type: 'string',
    doc: 'folder for the run, on the disk to be measured; default: the system’s temporary folder',
  },
  limit: { type: 'string', default: '7200', doc: 'seconds after which the run is ended' },
  dry: { type: 'boolean', default: false, doc: 'leave RESULTS.md and the pictures as they are' },
  list: { type: 'boolean', default: false, doc: 'the scenarios' },
  help: { type: 'boolean', default: false, doc: 'this text' },
} as const;

const FOLDER = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

function helpText(): string {
  const common = Object.entries(COMMON).map(([name, option]) => {
    const preset = 'default' in option && option.type === 'string' ? ` (${option.default})` : '';
    return `  --${name.padEnd(12)} ${option.doc}${preset}`;
  });
  const scenarios = SCENARIOS.map((scenario) => {
    const settings = Object.entries(scenario.settings).map(
      ([name, setting]) => `  --${name.padEnd(12)} ${setting.doc} (${setting.default})`,
    );
    return [`${scenario.name}: ${scenario.summary}`, ...settings].join('\n');
  });
  return [
    'npm run loadtest -- <scenario> [--flag value ...] [-- --server-flag value ...]',
    'Exit code: 0 promises kept or scenario skipped with its reason, 1 a promise was broken, 2 wrong call.',
    ['Every scenario', ...common].join('\n'),
    ...scenarios,
  ].join('\n\n');
}

/** Everything after a `--` of its own goes to the server as it is. */
function splitArgs(args: readonly string[]): [own: readonly string[], server: readonly string[]] {
  const at = args.indexOf('--');
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
}

function parse(scenario: Scenario | undefined, args: readonly string[]) {
  const numbers = Object.fromEntries(
    Object.entries(scenario?.settings ?? {}).map(([name, setting]) => [
      name,
      { type: 'string' as const, default: String(setting.default) },
    ]),
  );
  const { values } = parseArgs({ args: [...args], options: { ...numbers, ...COMMON }, allowPositionals: true });
  const number = (name: string) => {
    const value = Number(Object.entries(values).find(([key]) => key === name)?.[1]);
    if (!Number.isFinite(value)) throw new Error(`--${name} must be a number`);
    return value;
  };
  return { values, number, numbers: Object.fromEntries(Object.keys(numbers).map((name) => [name, number(name)])) };
}

async function run(scenario: Scenario, args: readonly string[]): Promise<boolean> {
  const [own, flags] = splitArgs(args);
  const { values, number, numbers } = parse(scenario, own);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(number('limit') * 1000)]);
  await using lab = await openLab({
    entry: values.entry,
    transport: values.transport,
    seed: number('seed'),
    flags,
    signal,
    ...(values.root === undefined ? {} : { root: values.root }),
  });
  const report = await scenario.run(lab, numbers);
  signal.throwIfAborted();
  console.log(`\n${renderReport(report)}\n`);
  const command = `npm run loadtest -- ${args.join(' ')}`;
  if (!values.dry)
    await recordReport({ folder: FOLDER, title: `${scenario.name} on ${lab.transport}`, command, report });
  return (report.promises ?? []).every(({ isKept }) => isKept);
}

async function main(args: readonly string[]): Promise<number> {
  const scenario = SCENARIOS.find(({ name }) => name === args[0]);
  if (args.includes('--list')) {
    for (const { name, summary } of SCENARIOS) console.log(`${name.padEnd(12)} ${summary}`);
    return 0;
  }
  if (args.includes('--help') || !scenario) {
    console.log(helpText());
    return args.includes('--help') ? 0 : 2;
  }
  return (await run(scenario, args)) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
