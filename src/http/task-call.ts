import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Delivered } from '../ingest/ingest.ts';
import type { Queue } from '../queue/queue.ts';
import type { Idempotency } from '../results/results.ts';
import type { TaskEntry } from '../tasks/tasks.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { createJobChoice, type JobChoiceOptions, type Order } from './job-choice.ts';
import { origin } from './links.ts';
import { readWish, WISH_PARAMETERS, type Wish } from './prefer.ts';
import type { TaskAnswer } from './task-answer.ts';
import { sentMediaType, type Uploads } from './upload.ts';

export interface TaskCallOptions extends JobChoiceOptions {
  readonly queue: Queue;
  readonly idempotency: Idempotency;
  readonly answer: TaskAnswer;
  readonly uploads: Uploads;
  readonly webhooks: Webhooks;
  readonly admission: Admission;
  /** Seconds. */
  readonly maxDeadlineS: number;
}

interface Call extends Order {
  readonly wish: Wish;
  /** The query's; the body may bring one, too. */
  readonly callbackUrl: string | undefined;
}

/** Query parameters that speak to the call, not to the task. */
const CALL_PARAMETERS = new Set<string>([...WISH_PARAMETERS, 'name', 'priority', 'callback_url']);

/** What people's tools send when nobody chose a type; the content tells. */
const UNSPECIFIC_TYPES = new Set([
  '',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'binary/octet-stream',
]);

/** One call of a task: the body brings the file, the query and the body's other members are the input, the answer is the result. */
export function createTaskCall(options: TaskCallOptions): (exchange: Exchange, entry: TaskEntry) => Promise<void> {
  const { tasks, idempotency, webhooks, answer } = options;
  const chooseJob = createJobChoice(options);

  /** Everything that can be refused without the body is refused before it is read. */
  async function call(exchange: Exchange, entry: TaskEntry): Promise<void> {
    const caller = await options.admission.admit(exchange);
    const wish = readWish(exchange, { deadlineS: entry.deadlineS, maxDeadlineS: options.maxDeadlineS });
    const priority = readPriority(exchange.query);
    const query = inputMembers(exchange.query);
    // With a form or a JSON object more input may follow in the body; without, it is complete and checked first.
    if (!isComposite(exchange)) entry.input.parse(query, 'text');
    refuseDeclaredType(entry, exchange);
    const callbackUrl = await checkCallback(exchange.query.get('callback_url') ?? undefined);
    const key = readIdempotencyKey(exchange);
    using claim = key === undefined ? undefined : idempotency.claim(caller, key);
    const slot = tasks.reserve(entry, { caller, deadlineMs: wish.onTimeout === 'end' ? wish.waitMs : undefined });
    try {
      const delivered = await receive(exchange, caller, wish);
      await perform(exchange, delivered, { entry, slot, caller, query, wish, claim, priority, callbackUrl });
    } finally {
      slot.release();
    }
  }

  /** The deadline that the caller asked for counts while its body comes in, too. */
  async function receive(exchange: Exchange, caller: string, { deadlineAt }: Wish): Promise<Delivered> {
    if (deadlineAt === undefined) return await options.uploads.receive(exchange, { caller, as: 'any' });
    const reason = new AppError('deadline_exceeded', 'the deadline passed before the body was there');
    using limit = createDeadline({ ms: deadlineAt - Date.now(), parents: [exchange.signal], reason });
    return await options.uploads.receive(exchange, { caller, as: 'any', signal: limit.signal });
  }

  async function perform(exchange: Exchange, delivered: Delivered, call: Call): Promise<void> {
    const { callbackUrl, ...share } = await accept(exchange, delivered, call);
    try {
      if (callbackUrl !== undefined && !share.isReplay)
        await webhooks.add(share.jobId, { url: callbackUrl, origin: origin(exchange) });
      await share.confirm();
    } catch (error) {
      await share.leave(toAppError(error));
      throw error;
    }
    await answer(exchange, share.jobId, call.wish, share);
  }

  /** On an error nothing is kept. */
  async function accept(exchange: Exchange, delivered: Delivered, call: Call) {
    try {
      const callbackUrl = call.callbackUrl ?? (await checkCallback(delivered.members.callback_url));
      return { callbackUrl, ...(await chooseJob(exchange, delivered, call)) };
    } catch (error) {
      await delivered.undo();
      throw error;
    }
  }

  async function checkCallback(url: unknown): Promise<string | undefined> {
    return url === undefined ? undefined : await webhooks.check(url);
  }

  return call;
}

function isComposite(exchange: Exchange): boolean {
  const mediaType = sentMediaType(exchange);
  return mediaType === 'application/json' || mediaType === 'multipart/form-data';
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
