import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Files } from '../ingest/ingest.ts';
import type { Job, Queue, Slot } from '../queue/queue.ts';
import type { Results } from '../results/results.ts';
import { checkMediaType, type TaskEntry, type Tasks } from '../tasks/tasks.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { linkResult, origin } from './links.ts';
import type { Uploads } from './upload.ts';

export interface TaskCallOptions {
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly results: Results;
  readonly files: Files;
  readonly uploads: Uploads;
  readonly admission: Admission;
  /** Seconds. */
  readonly maxDeadlineS: number;
}

interface Call {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  readonly input: unknown;
}

/** Query parameters that speak to the call, not to the task. */
const CALL_PARAMETERS = new Set(['deadline', 'name']);

/** What people's tools send when nobody chose a type; the content tells. */
const UNSPECIFIC_TYPES = new Set([
  '',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'binary/octet-stream',
]);

/** One call of a task: the body is the file, the query is the input, the answer is the result. */
export function createTaskCall(options: TaskCallOptions): (exchange: Exchange, entry: TaskEntry) => Promise<void> {
  const { tasks, results, files, queue } = options;

  /** Everything that can be refused without the body is refused before it is read. */
  async function call(exchange: Exchange, entry: TaskEntry): Promise<void> {
    const caller = await options.admission.admit(exchange);
    const deadlineS = wantedDeadline(exchange, entry, options.maxDeadlineS);
    const input = entry.input.parse(inputMembers(exchange.query), 'text');
    refuseDeclaredType(entry, exchange.header('content-type'));
    const slot = tasks.reserve(entry, caller);
    try {
      await answer(exchange, await submit(exchange, { entry, slot, caller, input }), deadlineS);
    } finally {
      slot.release();
    }
  }

  /** Stores the body and makes a job of it; nothing is kept of what is refused. */
  async function submit(exchange: Exchange, { entry, slot, caller, input }: Call): Promise<Job> {
    const file = await options.uploads.receive(exchange);
    try {
      checkMediaType(entry, file.mediaType);
      exchange.signal.throwIfAborted();
      return tasks.submit({ entry, slot, caller, input, files: [file.id] });
    } catch (error) {
      await files.delete(file.id);
      throw error;
    }
  }

  /** Waits for the job until the deadline or until the client is gone; both end the job. */
  async function answer(exchange: Exchange, { id, files: [fileId] }: Job, deadlineS: number): Promise<void> {
    exchange.setHeader('content-location', `${origin(exchange)}/v1/jobs/${id}/result`);
    using deadline = createDeadline({
      ms: deadlineS * 1000,
      parents: [exchange.signal],
      reason: deadlineExceeded(deadlineS, id),
    });
    try {
      const job = await results.outcome(id, deadline.signal);
      if (job.status !== 'succeeded') throw job.error ?? new AppError('internal', `job ${id} is ${job.status}`);
      exchange.replyJson(200, linkResult(exchange, id, job.result));
    } catch (error) {
      queue.cancel(id, toAppError(error));
      if (fileId !== undefined) await files.delete(fileId);
      throw error;
    }
  }

  return call;
}

function deadlineExceeded(deadlineS: number, jobId: string): AppError {
  const detail = `no result within ${deadlineS} s; the job was stopped. Ask for more time with ?deadline=`;
  return new AppError('deadline_exceeded', detail, { extra: { job_id: jobId } });
}

/** `?deadline=` in seconds, decimals allowed, never above the maximum. Error: `invalid_input`. */
function wantedDeadline(exchange: Exchange, entry: TaskEntry, maxDeadlineS: number): number {
  const text = exchange.query.get('deadline');
  if (text === null) return Math.min(entry.deadlineS, maxDeadlineS);
  const seconds = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0) {
    throw new AppError('invalid_input', `deadline=${text.slice(0, 64)}: expected seconds above 0, as in 2.5`);
  }
  return Math.min(seconds, maxDeadlineS);
}

function inputMembers(query: URLSearchParams): Record<string, string> {
  const members = [...query].filter(([name]) => !CALL_PARAMETERS.has(name));
  const twice = members.find(([name], index) => members.findIndex(([other]) => other === name) !== index);
  if (twice) throw new AppError('invalid_input', `${twice[0]}: given more than once`);
  return Object.fromEntries(members);
}

/** A type that somebody chose and that the task does not take is refused before the body is read. */
function refuseDeclaredType({ task }: TaskEntry, contentType = ''): void {
  const mediaType = (contentType.toLowerCase().split(';')[0] ?? '').trim();
  if (!task.accepts || UNSPECIFIC_TYPES.has(mediaType) || task.accepts.includes(mediaType)) return;
  const detail = `${task.name} works on ${task.accepts.join(', ')}; the request says ${mediaType.slice(0, 128)}`;
  throw new AppError('unsupported_media_type', detail);
}
