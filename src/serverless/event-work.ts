import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Delivered, Doors } from '../ingest/ingest.ts';
import type { Queue } from '../queue/queue.ts';
import type { InlineJobsFor, Results, Shares } from '../results/results.ts';
import { type InlineCalls, placeFiles, type TaskEntry, type Tasks } from '../tasks/tasks.ts';
import { inlineFiles } from './inline-files.ts';

export interface EventWorkOptions {
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly results: Results;
  readonly shares: Shares;
  readonly inline: InlineCalls;
  readonly jobs: InlineJobsFor;
  readonly doors: Doors;
  /** Of a file that comes with an event. */
  readonly maxBytes: number;
}

/** One piece of work: the path, or the name, of the task, and its input and files by name. */
export interface WorkEvent {
  readonly path: string;
  readonly members: Readonly<Record<string, unknown>>;
}

export interface EventHooks {
  readonly signal: AbortSignal;
  readonly onProgress?: (fraction: number, message: string | undefined) => void;
  /** Set: items of a generator are told one by one; else they are the result. */
  readonly onItem?: (item: unknown) => Promise<void>;
}

/** Does what an event asks for, without HTTP; files of the result come in base64. Errors: as of a call of the task. */
export type EventWork = (event: WorkEvent, hooks: EventHooks) => Promise<unknown>;

const CALLER = 'serverless';

export function createEventWork(options: EventWorkOptions): EventWork {
  const { tasks, queue, results, shares, doors, maxBytes } = options;

  function find(path: string): TaskEntry {
    const wanted = `/${path.replace(/^\/+/, '')}`;
    const entry = tasks.list().find((one) => one.path === wanted || `/${one.task.name}` === wanted);
    if (entry) return entry;
    const known = tasks.list().map((one) => one.path);
    throw new AppError('not_found', `no task has the path ${path.slice(0, 64)}; there are ${known.join(', ')}`);
  }

  async function perform(event: WorkEvent, hooks: EventHooks): Promise<unknown> {
    const entry = find(event.path);
    const { sources, input } = split(entry, event.members);
    const checked = entry.input.parse(input, 'json');
    const delivered = await doors.members(sources, { maxBytes, signal: hooks.signal });
    try {
      const files = placeFiles(entry.task.name, entry.slots, delivered.files);
      const done = entry.isInline ? callInline : runJob;
      return await done(entry, { input: checked, files }, hooks);
    } finally {
      await delivered.undo();
    }
  }

  async function callInline(
    entry: TaskEntry,
    { input, files }: Work,
    { signal, onItem }: EventHooks,
  ): Promise<unknown> {
    const jobs = (ended: AbortSignal) => options.jobs({ caller: CALLER, signal: ended, link: (job) => job });
    const { id, result } = await options.inline.call({ entry, input, files, jobs, signal });
    if (typeof result === 'string') return await inlineFiles(JSON.parse(result), (key) => results.output(id, key));
    const items: unknown[] = [];
    for await (const json of result) {
      if (onItem) await onItem(JSON.parse(json));
      else items.push(JSON.parse(json));
    }
    return items;
  }

  async function runJob(entry: TaskEntry, work: Work, hooks: EventHooks): Promise<unknown> {
    const slot = tasks.reserve(entry);
    const reason = new AppError('deadline_exceeded', `no result within ${entry.deadlineS} s; the job was stopped`);
    using limit = createDeadline({ ms: entry.deadlineS * 1000, parents: [hooks.signal], reason });
    const order = { entry, slot, caller: CALLER, ...work };
    const streamed = hooks.onItem && entry.canStream ? tasks.submitStreamed(order) : undefined;
    const { id } = streamed?.job ?? tasks.submit(order);
    const share = shares.take(id);
    try {
      const ended = follow(id, limit.signal, hooks.onProgress);
      streamed?.endWith(ended, limit.signal);
      for await (const item of streamed?.items ?? []) await hooks.onItem?.(JSON.parse(item));
      const result = await ended;
      share.release();
      return await inlineFiles(result, (key) => results.output(id, key));
    } catch (error) {
      await share.leave(toAppError(error));
      throw error;
    } finally {
      streamed?.close();
      slot.release();
    }
  }

  async function follow(id: string, signal: AbortSignal, onProgress: EventHooks['onProgress']): Promise<unknown> {
    for await (const { type, job } of queue.watch(id, signal)) {
      const hasNews = job.progress > 0 || job.message !== undefined;
      if (type === 'progress' && job.status === 'running' && hasNews) onProgress?.(job.progress, job.message);
      if (type !== 'done') continue;
      if (job.status === 'succeeded') return job.result;
      throw job.error ?? new AppError('internal', `job ${id} is ${job.status}`);
    }
    throw new AppError('internal', `the events of job ${id} ended before the job did`);
  }

  return perform;
}

interface Work {
  readonly input: unknown;
  readonly files: readonly { readonly field: string; readonly file: Delivered['files'][number]['file'] }[];
}

/** Members that are files, among them `file`, `url` or `base64` for a task's first one, and those that are input. */
function split({ slots }: TaskEntry, members: WorkEvent['members']) {
  const sources: [string, unknown][] = [];
  const input: Record<string, unknown> = {};
  const { file, url, base64, name, ...others } = members;
  const [first] = slots;
  const whole = Object.fromEntries(Object.entries({ file, url, base64 }).filter(([, value]) => value !== undefined));
  const isWhole = first !== undefined && !(first.name in members) && Object.keys(whole).length > 0;
  if (isWhole) sources.push([first.name, { ...whole, name }]);
  for (const [key, value] of Object.entries(isWhole ? others : members)) {
    if (slots.some((slot) => slot.name === key)) sources.push([key, value]);
    else input[key] = value;
  }
  return { sources, input };
}
