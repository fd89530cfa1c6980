import type { Command } from 'commander';
import type { FileSource, JobJson, Run, RunEvent, RunOptions, TaskJson } from '../client/client.ts';
import { UsageError } from './exit.ts';
import { readInput } from './input.ts';
import { createSaver, type Saver } from './save.ts';
import { type CliHost, openSession, type Session } from './session.ts';
import { bar, bytesText } from './terminal.ts';

interface Options {
  readonly input?: readonly string[];
  readonly out?: string;
  readonly name?: string;
  readonly deadline?: number;
  readonly priority?: number;
  readonly fresh?: boolean;
  readonly detach?: boolean;
}

const EXAMPLES = `
Examples:
  penstock run pdf2image report.pdf -i dpi=150 -i pages=1-3 -o pages/
  penstock run make_fries -i fries_name=Belgian
  cat report.pdf | penstock run pdf2image - --json | jq .result.page_count`;

/** `penstock run`: upload, wait, result; progress for eyes, files into a folder. */
export function addRun(program: Command, host: CliHost): void {
  program
    .command('run')
    .summary('run a task and wait for its result')
    .description('Sends the file, waits for the job and prints its result. Ctrl-C cancels the job.')
    .argument('<task>', 'name of the task; GET /v1/tasks lists them')
    .argument('[file]', 'the file that it works on; - reads stdin')
    .option('-i, --input <key=value>', 'member of the input; key:=json, key=@file; repeatable', collect)
    .option('-o, --out <dir>', 'save the files of the result here, as they come')
    .option('--name <name>', 'call the file so')
    .option('--deadline <seconds>', 'give up after so long', toNumber)
    .option('--priority <n>', '-10 to 10: higher goes first', toNumber)
    .option('--fresh', 'do the work anew, whatever was kept')
    .option('--detach', 'print the job as soon as it is accepted, and leave it to run')
    .addHelpText('after', EXAMPLES)
    .action(async (task: string, file: string | undefined, options: Options, command: Command) =>
      runTask(openSession(host, command), { task, file, options }),
    );
}

interface Order {
  readonly task: string;
  readonly file: string | undefined;
  readonly options: Options;
}

async function runTask(session: Session, { task: name, file, options }: Order): Promise<void> {
  const { client, terminal } = session;
  const task = await findTask(session, name);
  const input = await readInput(task, options.input ?? []);
  const needed = task.files.find(({ optional, many, name: slot }) => !optional && !many && !(slot in input));
  if (file === undefined && needed) throw new UsageError(`${name} works on a file: penstock run ${name} FILE`);
  if (file !== undefined && task.files.length === 0) throw new UsageError(`${name} takes no file`);
  const order = { source: sourceOf(session, file), input, options: givenOptions(session, options) };
  if (options.detach) return await detach(session, name, order);
  if (task.answer === 'stream') return await printItems(session, name, order);
  const saver = options.out === undefined ? undefined : await createSaver(session, options.out);
  const { source, input: members, options: given } = order;
  const run = source === undefined ? client.run(name, members, given) : client.run(name, source, members, given);
  if (saver) await savePages(session, run, saver);
  const result = await run;
  await saver?.save(result);
  terminal.show('');
  await printResult(session, run, { result, saver });
}

/** The id alone, so that a script can keep it. */
async function detach(
  { client, terminal }: Session,
  name: string,
  { source, input, options }: Prepared,
): Promise<void> {
  const job = source === undefined ? client.submit(name, input, options) : client.submit(name, source, input, options);
  if (terminal.isJson) terminal.value(await job);
  else terminal.line((await job).id);
}

/** Of a task that streams: one line for each, as they come. */
async function printItems(
  { client, terminal }: Session,
  name: string,
  { source, input, options }: Prepared,
): Promise<void> {
  const items =
    source === undefined ? client.stream(name, input, options) : client.stream(name, source, input, options);
  for await (const item of items) terminal.line(JSON.stringify(item));
}

/** Its schema says how to read the input. Error: UsageError, naming the tasks that there are. */
async function findTask({ client, signal }: Session, name: string): Promise<TaskJson> {
  const tasks = await client.describe({ signal });
  const task = tasks.find((one) => one.name === name);
  if (task) return task;
  throw new UsageError(`there is no task ${name}; this server has ${tasks.map((one) => one.name).join(', ')}`);
}

function sourceOf({ host }: Session, file: string | undefined): FileSource | undefined {
  return file === '-' ? host.stdin : file;
}

interface Prepared {
  readonly source: FileSource | undefined;
  readonly input: object;
  readonly options: RunOptions;
}

function givenOptions({ signal, terminal }: Session, given: Options): RunOptions {
  const { deadline: deadlineS, priority, name } = given;
  return {
    signal,
    onEvent(event) {
      if (event.type !== 'page') terminal.show(describe(event));
    },
    ...(deadlineS === undefined ? {} : { deadlineS }),
    ...(priority === undefined ? {} : { priority }),
    ...(name === undefined ? {} : { name }),
    ...(given.fresh ? { isFresh: true } : {}),
  };
}

/** While the others are still drawn. */
async function savePages({ terminal }: Session, run: Run, saver: Saver): Promise<void> {
  for await (const page of run.pages())
    for (const path of await saver.save(page)) if (!terminal.isJson) terminal.line(path);
}

/** Text as it is, all else as JSON; with --json the job's id beside it. */
async function printResult(
  { terminal }: Session,
  run: Run,
  { result, saver }: { result: unknown; saver: Saver | undefined },
): Promise<void> {
  if (terminal.isJson) terminal.value({ job: await jobId(run), result, ...(saver ? { saved: saver.paths } : {}) });
  else if (saver) terminal.note(`${saver.paths.length} files saved`);
  else if (typeof result === 'string') terminal.line(result);
  else terminal.value(result);
}

/** null: an endpoint that makes none. */
async function jobId(run: Run): Promise<string | null> {
  return run.accepted().then(
    ({ id }) => id,
    () => null,
  );
}

/** One line for eyes. */
function describe(event: Exclude<RunEvent, { type: 'page' }>): string {
  if (event.type !== 'upload') return describeJob(event.job);
  const { sentBytes, totalBytes } = event.upload;
  if (totalBytes === undefined) return `uploading, ${bytesText(sentBytes)} so far`;
  return `uploading  ${bar(totalBytes === 0 ? 1 : sentBytes / totalBytes)}  of ${bytesText(totalBytes)}`;
}

function describeJob({
  status,
  progress,
  message,
  queue_position: position,
  estimated_wait_s: waitS,
}: JobJson): string {
  if (status !== 'queued') return `${status}  ${bar(progress)}  ${message ?? ''}`;
  if (position === undefined) return 'waiting for its turn';
  return `waiting, ${position - 1} ahead${waitS === undefined ? '' : `, about ${Math.ceil(waitS)} s`}`;
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function toNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new UsageError(`${text} is not a number`);
}
