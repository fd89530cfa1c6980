import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { type CliHost, openSession, type Session } from './session.ts';
import { table } from './terminal.ts';

/** `GET /v1/server`. */
interface ServerJson {
  readonly draining: boolean;
  readonly uploads: { readonly active: number; readonly max?: number };
  readonly workers: { readonly workers: number; readonly busy: number; readonly restarts: number };
  readonly tasks: readonly {
    readonly task: string;
    readonly waiting: number;
    readonly running: number;
    readonly free_slots: number;
    readonly estimated_wait_s: number;
  }[];
}

const REFRESH_MS = 1000;
const LATEST_JOBS = 10;

/** `penstock status`: live where somebody looks, once where a program reads. */
export function addStatus(program: Command, host: CliHost): void {
  program
    .command('status')
    .summary('what the server is doing, live on a terminal')
    .description('Workers, uploads, queues and the newest jobs. On a terminal it goes on until Ctrl-C.')
    .option('--once', 'print it once')
    .action(async (options: { once?: boolean }, command: Command) => {
      const session = openSession(host, command);
      const { terminal, signal } = session;
      if (terminal.isJson) return terminal.value(await session.client.server({ signal }));
      if (options.once || !terminal.isLive) return terminal.line(await describe(session));
      await watch(session);
    });
}

/** Until the signal aborts, which is how one leaves it. */
async function watch(session: Session): Promise<void> {
  const { terminal, signal } = session;
  while (!signal.aborted) {
    try {
      terminal.screen(`${await describe(session)}\n\n${terminal.dim('Ctrl-C to leave')}`);
      await delay(REFRESH_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function describe({ client, url, terminal, signal }: Session): Promise<string> {
  const [server, { jobs }] = await Promise.all([
    client.server({ signal }) as Promise<unknown> as Promise<ServerJson>,
    client.jobs.list({ limit: LATEST_JOBS }, { signal }),
  ]);
  const { workers, uploads, tasks } = server;
  const queues = tasks.map((task) => [
    task.task,
    String(task.running),
    String(task.waiting),
    String(task.free_slots),
    `${task.estimated_wait_s} s`,
  ]);
  const newest = jobs.map(({ id, task, status, progress, message }) => [
    id,
    task,
    status,
    `${Math.floor(progress * 100)} %`.padStart(5),
    message ?? '',
  ]);
  return [
    `${terminal.bold(url)}  ${server.draining ? 'draining' : 'serving'}`,
    `workers ${workers.busy} of ${workers.workers} busy   uploads ${uploads.active}`,
    '',
    table([['TASK', 'RUNNING', 'WAITING', 'FREE', 'WAIT'], ...queues]),
    '',
    table([['JOB', 'TASK', 'STATUS', 'DONE', ''], ...newest]),
  ].join('\n');
}
