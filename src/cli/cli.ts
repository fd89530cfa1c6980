import completion from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { PenstockError } from '../client/client.ts';
import { EXIT, EXIT_HELP, exitCodeOf, UsageError } from './exit.ts';
import { addCancel, addJobs } from './jobs.ts';
import { addRun } from './run.ts';
import { addServe } from './serve.ts';
import type { CliHost } from './session.ts';
import { addStatus } from './status.ts';
import { addTypes } from './types.ts';
import { addWorker } from './worker.ts';

export type { CliHost } from './session.ts';

/** One function for each sub-command. */
const COMMANDS = [addServe, addWorker, addRun, addJobs, addCancel, addStatus, addTypes];

const EXAMPLES = `
Examples:
  penstock serve --tasks tasks/                    start a server with your own tasks
  penstock run pdf2image report.pdf -o pages/      its pages as images
  penstock run make_fries -i fries_name=Belgian    a task without a file
  penstock status                                  what the server is doing
  source <(penstock complete bash)                 completion; also zsh, fish, powershell

${EXIT_HELP}`;

/** Runs one command; resolves with the exit code. `args` are the words after the program's name. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const program = createProgram(host);
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (host.signal.aborted) return EXIT.interrupted;
    explain(error, host, args.includes('--json'));
    return exitCodeOf(error);
  }
}

function createProgram(host: CliHost): Command {
  const { env, stdout, stderr } = host;
  const program = new Command('penstock')
    .description('Takes files in, runs CPU-heavy work on them, and always answers.')
    .option('-u, --url <url>', 'the server; or PENSTOCK_URL', env.PENSTOCK_URL ?? 'http://127.0.0.1:8000')
    .option('--api-key <key>', 'or PENSTOCK_API_KEY')
    .option('--retries <n>', 'further tries of what may pass', toCount, 3)
    .option('--json', 'results as JSON, one value a line')
    .option('-q, --quiet', 'no progress, no remarks')
    .helpCommand(false)
    .showHelpAfterError('penstock --help lists all commands')
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .exitOverride()
    .addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(program, host);
  completion(program);
  program.commands.find((command) => command.name() === 'complete')?.summary('shell completion, to be sourced');
  return program;
}

/** With --json on stdout, as the server would tell it; else in a line. */
function explain(error: unknown, { stdout, stderr }: CliHost, isJson: boolean): void {
  const detail = error instanceof Error ? error.message : String(error);
  const code = error instanceof PenstockError ? error.code : error instanceof UsageError ? 'usage' : 'internal';
  if (isJson) {
    const { jobId, requestId } = error instanceof PenstockError ? error : {};
    stdout.write(`${JSON.stringify({ error: { code, detail, job_id: jobId, request_id: requestId } })}\n`);
  } else stderr.write(`penstock: ${detail}${error instanceof PenstockError ? ` (${code})` : ''}\n`);
}

function toCount(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new UsageError(`--retries ${text}: expected a whole number`);
}
