import type { Command } from 'commander';
import type { JobFilter, JobJson, JobStatusJson } from '../client/client.ts';
import { type CliHost, openSession } from './session.ts';
import { table } from './terminal.ts';

interface ListOptions {
  readonly task?: string;
  readonly status?: JobStatusJson;
  readonly limit: string;
  readonly after?: string;
}

const STATUSES: readonly JobStatusJson[] = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out'];

/** `penstock jobs`: a page of the list, or one job in full. */
export function addJobs(program: Command, host: CliHost): void {
  const jobs = program
    .command('jobs')
    .summary('list jobs, or show one')
    .description('Without an id: the newest jobs. With one: that job, its result or its error included.')
    .argument('[id]', 'of one job')
    .option('--task <name>', 'only of this task')
    .option('--limit <n>', 'at most so many', '20')
    .option('--after <id>', 'those before this one, for the next page');
  jobs
    .addOption(jobs.createOption('--status <status>', 'only in this state').choices(STATUSES))
    .action(async (id: string | undefined, options: ListOptions, command: Command) => {
      const { client, terminal, signal } = openSession(host, command);
      if (id !== undefined) return terminal.value(await client.jobs.get(id, { signal }));
      const filter: JobFilter = { ...options, limit: Number(options.limit) };
      const list = await client.jobs.list(filter, { signal });
      if (terminal.isJson) return terminal.value(list);
      if (list.jobs.length === 0) return terminal.note('no jobs');
      terminal.line(table([['JOB', 'TASK', 'STATUS', 'DONE', 'TOOK', 'ERROR'], ...list.jobs.map(rowOf)]));
      if (list.next !== null) terminal.note(`more: --after ${list.next}`);
    });
}

/** `penstock cancel`: each id in its own line, with what became of it. */
export function addCancel(program: Command, host: CliHost): void {
  program
    .command('cancel')
    .summary('cancel jobs')
    .description('Cancels each job; one that has ended stays as it is. Prints what became of it.')
    .argument('<ids...>', 'of the jobs')
    .action(async (ids: readonly string[], _: unknown, command: Command) => {
      const { client, terminal, signal } = openSession(host, command);
      for (const id of ids) {
        const job = await client.jobs.cancel(id, { signal });
        if (terminal.isJson) terminal.value(job);
        else terminal.line(`${id}  ${job.status}`);
      }
    });
}

function rowOf({ id, task, status, progress, elapsed_ms: elapsed, error }: JobJson): readonly string[] {
  const percent = `${Math.floor(progress * 100)} %`.padStart(5);
  const took = `${((elapsed.queued + elapsed.running) / 1000).toFixed(1)} s`;
  return [id, task, status, percent, took, error ? `${error.code}: ${error.detail}` : ''];
}
