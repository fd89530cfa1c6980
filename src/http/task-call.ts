import { AppError } from '../core/errors.ts';
import type { Delivered } from '../ingest/ingest.ts';
import type { Queue, Slot } from '../queue/queue.ts';
import {
  fingerprint,
  type Idempotency,
  type KeyClaim,
  type Share,
  type Shares,
  type Twins,
  type Work,
} from '../results/results.ts';
import { checkMediaType, type TaskEntry, type Tasks } from '../tasks/tasks.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { readWish, WISH_PARAMETERS, type Wish } from './prefer.ts';
import type { TaskAnswer } from './task-answer.ts';
import { sentMediaType, type Uploads } from './upload.ts';

export interface TaskCallOptions {
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly shares: Shares;
  readonly twins: Twins;
  readonly idempotency: Idempotency;
  readonly answer: TaskAnswer;
  readonly uploads: Uploads;
  readonly admission: Admission;
  /** Seconds. */
  readonly maxDeadlineS: number;
}

interface Call {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  readonly query: Record<string, string>;
  readonly wish: Wish;
  readonly claim: KeyClaim | undefined;
  readonly priority: number;
}

type JobShare = Share & { readonly jobId: string };

/** Query parameters that speak to the call, not to the task. */
const CALL_PARAMETERS = new Set<string>([...WISH_PARAMETERS, 'name', 'priority']);

/** What people's tools send when nobody chose a type; the content tells. */
const UNSPECIFIC_TYPES = new Set([
  '',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'binary/octet-stream',
]);

/** One call of a task: the body brings the file, the query and the body's other members are the input, the answer is the result. */
export function createTaskCall(options: TaskCallOptions): (exchange: Exchange, entry: TaskEntry) => Promise<void> {
  const { tasks, shares, twins, idempotency, answer } = options;

  /** Everything that can be refused without the body is refused before it is read. */
  async function call(exchange: Exchange, entry: TaskEntry): Promise<void> {
    const caller = await options.admission.admit(exchange);
    const wish = readWish(exchange, { deadlineS: entry.deadlineS, maxDeadlineS: options.maxDeadlineS });
    const priority = readPriority(exchange.query);
    const query = inputMembers(exchange.query);
    // With a form or a JSON object more input may follow in the body; without, it is complete and checked first.
    if (!isComposite(exchange)) entry.input.parse(query, 'text');
    refuseDeclaredType(entry, exchange);
    const key = readIdempotencyKey(exchange);
    using claim = key === undefined ? undefined : idempotency.claim(caller, key);
    const slot = tasks.reserve(entry, { deadlineMs: wish.onTimeout === 'end' ? wish.waitMs : undefined });
    try {
      const delivered = await options.uploads.receive(exchange, { caller, as: 'any' });
      await perform(exchange, delivered, { entry, slot, caller, query, wish, claim, priority });
    } finally {
      slot.release();
    }
  }

  async function perform(exchange: Exchange, delivered: Delivered, call: Call): Promise<void> {
    let share: JobShare;
    try {
      share = await takeJob(exchange, delivered, call);
    } catch (error) {
      await delivered.undo();
      throw error;
    }
    await answer(exchange, share.jobId, call.wish, share);
  }

  /** A new job for the delivery, or the one that does the same work: then what was delivered is not needed. */
  async function takeJob(exchange: Exchange, delivered: Delivered, call: Call): Promise<JobShare> {
    const { entry, slot, caller, query, claim, priority } = call;
    const input = readInput(exchange, { entry, query, members: delivered.members });
    const files = delivered.files.map(({ file }) => file);
    for (const file of files) checkMediaType(entry, file.mediaType);
    const { name: task, version } = entry.task;
    const work: Work = { task, version, input, sha256: files.map(({ sha256 }) => sha256) };
    const payload = fingerprint({ ...work, version: undefined });
    const earlier = await claim?.earlier(payload);
    const isShared = version !== undefined && !isBypassed(exchange);
    const kept = isShared && earlier === undefined ? await twins.findKept(work) : undefined;
    exchange.signal.throwIfAborted();
    // From here to the submission nothing waits, so that of equal calls one makes the job.
    const live = isShared ? twins.findLive(work) : undefined;
    const known = earlier ?? live ?? kept;
    if (version !== undefined) exchange.setHeader('cache-status', `penstock; ${cacheStatus(isShared, live, kept)}`);
    if (earlier !== undefined) exchange.setHeader('idempotency-replayed', 'true');
    if (known !== undefined) {
      const share = { jobId: known, ...shares.take(known) };
      await delivered.undo();
      return share;
    }
    const { id } = tasks.submit({ entry, slot, caller, input, files: files.map((file) => file.id), priority });
    twins.note(work, id);
    const share = { jobId: id, ...shares.take(id, delivered.undo) };
    await claim?.bind(payload, id);
    return share;
  }

  return call;
}

function isComposite(exchange: Exchange): boolean {
  const mediaType = sentMediaType(exchange);
  return mediaType === 'application/json' || mediaType === 'multipart/form-data';
}

/** The caller wants the work done anew (RFC 9111 section 5.2.1). */
function isBypassed(exchange: Exchange): boolean {
  return /(^|[,\s])no-(cache|store)\b/i.test(exchange.headers('cache-control').join(','));
}

/** RFC 9211: whether the work is shared. */
function cacheStatus(isShared: boolean, live: string | undefined, kept: string | undefined): string {
  if (!isShared) return 'fwd=request';
  if (live !== undefined) return 'fwd=miss; collapsed';
  return kept === undefined ? 'fwd=miss' : 'hit';
}

/** Query and body together; a name that stands in both is an error. Only JSON has types: all else is text. */
function readInput(
  exchange: Exchange,
  { entry, query, members }: { entry: TaskEntry; query: Record<string, string>; members: Delivered['members'] },
): unknown {
  const { name: _fileName, ...rest } = members;
  const twice = Object.keys(rest).find((name) => name in query);
  if (twice !== undefined) throw new AppError('invalid_input', `${twice}: given in the query and in the body`);
  if (sentMediaType(exchange) !== 'application/json') return entry.input.parse({ ...query, ...rest }, 'text');
  return entry.input.parse({ ...entry.input.fromText(query), ...rest }, 'json');
}

/** `?priority=`, -10 to 10, default 0. Error: `invalid_input`. */
function readPriority(query: URLSearchParams): number {
  const text = query.get('priority') ?? '0';
  if (/^-?(\d|10)$/.test(text)) return Number(text);
  throw new AppError('invalid_input', `priority=${text.slice(0, 64)}: expected a whole number from -10 to 10`);
}

function inputMembers(query: URLSearchParams): Record<string, string> {
  const members = [...query].filter(([name]) => !CALL_PARAMETERS.has(name));
  const twice = members.find(([name], index) => members.findIndex(([other]) => other === name) !== index);
  if (twice) throw new AppError('invalid_input', `${twice[0]}: given more than once`);
  return Object.fromEntries(members);
}

/** A type that somebody chose and that the task does not take is refused before the body is read. */
function refuseDeclaredType({ task }: TaskEntry, exchange: Exchange): void {
  const mediaType = sentMediaType(exchange);
  if (!task.accepts || isComposite(exchange) || UNSPECIFIC_TYPES.has(mediaType) || task.accepts.includes(mediaType))
    return;
  const detail = `${task.name} works on ${task.accepts.join(', ')}; the request says ${mediaType.slice(0, 128)}`;
  throw new AppError('unsupported_media_type', detail);
}
