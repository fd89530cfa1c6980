import type { JobJson } from '../api.ts';
import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { assertOwn } from '../core/owner.ts';
import type { Job, Queue } from '../queue/queue.ts';
import { type InlineJobs, type JobOptions, placeFiles, type TaskEntry, type Tasks } from '../tasks/tasks.ts';
import type { Acceptance } from './acceptance.ts';
import type { Shares } from './shares.ts';

export interface InlineJobsOptions {
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly results: {
    readonly get: (id: string) => Promise<JobJson>;
    readonly outcome: (id: string, signal: AbortSignal) => Promise<Pick<Job, 'status' | 'error'>>;
  };
  readonly acceptance: Acceptance;
  readonly shares: Shares;
}

/** The call that an endpoint's function answers. */
export interface InlineCaller {
  readonly caller: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Makes the links in a job's JSON such as the caller can follow. */
  readonly link: (job: JobJson) => JobJson;
}

/** What an endpoint's function may do with jobs, in the name of the call that it answers. */
export type InlineJobsFor = (call: InlineCaller) => InlineJobs;

export function createInlineJobs(options: InlineJobsOptions): InlineJobsFor {
  const { tasks, queue, results, acceptance, shares } = options;

  function start(caller: string, name: string, input: object, given: JobOptions): { id: string; entry: TaskEntry } {
    const entry = tasks.find(name);
    if (!entry || entry.isInline) throw new AppError('not_found', `there is no task ${name} that makes jobs`);
    const checked = entry.input.parse({ ...input }, 'json');
    const files = Object.entries(given.files ?? {}).flatMap(([field, one]) =>
      [one].flat().map((file) => ({ field, file })),
    );
    const placed = placeFiles(name, entry.slots, files);
    const slot = tasks.reserve(entry);
    try {
      const { id } = tasks.submit({ entry, slot, caller, input: checked, files: placed, priority: given.priority });
      return { id, entry };
    } finally {
      slot.release();
    }
  }

  return ({ caller, signal, link }) => {
    const show = async (id: string): Promise<JobJson> => {
      await assertOwn(caller, id, results.get);
      return link(await results.get(id));
    };

    return {
      get: show,
      async cancel(id) {
        await assertOwn(caller, id, results.get);
        queue.cancel(id, new AppError('cancelled', 'the job was cancelled by request'));
        return await show(id);
      },
      async submit(task, input = {}, given = {}) {
        const { id } = start(caller, task, input, given);
        const { deadlineS } = given;
        try {
          await acceptance.accept(id, deadlineS === undefined ? {} : { deadlineAt: Date.now() + deadlineS * 1000 });
        } catch (error) {
          // Nobody has been promised it, and nobody waits.
          queue.cancel(id, toAppError(error));
          throw error;
        }
        return await show(id);
      },
      async run(task, input = {}, given = {}) {
        const { id, entry } = start(caller, task, input, given);
        const deadlineS = Math.min(given.deadlineS ?? entry.deadlineS, entry.maxDeadlineS);
        const share = shares.take(id);
        const reason = new AppError('deadline_exceeded', `no result of ${task} within ${deadlineS} s; it was stopped`);
        using limit = createDeadline({ ms: deadlineS * 1000, parents: [signal], reason });
        try {
          const { status, error } = await results.outcome(id, limit.signal);
          if (status !== 'succeeded') throw error ?? new AppError('internal', `job ${id} is ${status}`);
          share.release();
          return await show(id);
        } catch (error) {
          await share.leave(toAppError(error));
          throw error;
        }
      },
    };
  };
}
