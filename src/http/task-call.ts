import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Queue } from '../queue/queue.ts';
import type { Idempotency } from '../results/results.ts';
import type { TaskEntry } from '../tasks/tasks.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { createJobChoice, type JobChoiceOptions, type Order } from './job-choice.ts';
import { readWish, type Wish } from './prefer.ts';
import type { Params } from './route.ts';
import type { TaskAnswer } from './task-answer.ts';
import { type CallQuery, checkEarly, readQuery, receiveBody, type TaskBody, undoing } from './task-body.ts';
import { type StreamOrder, type TaskStream, wantedStream } from './task-stream.ts';
import type { Uploads } from './upload.ts';

export interface TaskCallOptions extends JobChoiceOptions {
  readonly queue: Queue;
  readonly idempotency: Idempotency;
  readonly answer: TaskAnswer;
  readonly stream: TaskStream;
  readonly uploads: Uploads;
  readonly webhooks: Webhooks;
  readonly admission: Admission;
}

interface Receiving {
  readonly caller: string;
  readonly query: CallQuery;
  readonly wish: Wish;
}

type Call = Order & Pick<StreamOrder, 'onJob'>;

export type TaskCall = (exchange: Exchange, entry: TaskEntry, params: Params) => Promise<void>;

/** One call of a task: the body brings the file, the query and the body's other members are the input, the answer is the result. */
export function createTaskCall(options: TaskCallOptions): TaskCall {
  const { tasks, idempotency, webhooks, answer } = options;
  const chooseJob = createJobChoice(options);

  /** Everything that can be refused without the body is refused before it is read. */
  async function call(exchange: Exchange, entry: TaskEntry, params: Params): Promise<void> {
    const caller = await options.admission.admit(exchange);
    const wish = readWish(exchange, { ...entry, isAsync: entry.answer === 'async' });
    const priority = entry.input.has('priority') ? undefined : readPriority(exchange.query);
    const query = readQuery(exchange, entry, params);
    checkEarly(exchange, entry, query);
    const callbackUrl = await checkCallback(exchange.query.get('callback_url') ?? undefined);
    const key = readIdempotencyKey(exchange);
    // Items that were sent are not kept: a call that may be made again gets their list.
    const format = key === undefined ? wantedStream(exchange, entry, wish) : undefined;
    using claim = key === undefined ? undefined : idempotency.claim(caller, key);
    const slot = tasks.reserve(entry, { caller, deadlineMs: jobLimitMs(wish) });
    try {
      const delivered = await receive(exchange, entry, { caller, query, wish });
      const url = await undoing(delivered, async () => callbackUrl ?? checkCallback(delivered.members.callback_url));
      const onJob = async (id: string) => {
        if (url !== undefined) await webhooks.add(id, { url, origin: exchange.origin });
      };
      const order = { entry, slot, caller, query, wish, priority, onJob };
      if (format) await options.stream(exchange, delivered, { ...order, format });
      else await perform(exchange, delivered, { ...order, claim });
    } finally {
      slot.release();
    }
  }

  /** The deadline that the caller asked for counts while its body comes in, too. */
  async function receive(exchange: Exchange, entry: TaskEntry, call: Receiving): Promise<TaskBody> {
    const { wish, ...from } = call;
    if (wish.deadlineAt === undefined) return await receiveBody(options.uploads, exchange, entry, from);
    const reason = new AppError('deadline_exceeded', 'the deadline passed before the body was there');
    using limit = createDeadline({ ms: wish.deadlineAt - Date.now(), parents: [exchange.signal], reason });
    return await receiveBody(options.uploads, exchange, entry, { ...from, signal: limit.signal });
  }

  async function perform(exchange: Exchange, delivered: TaskBody, call: Call): Promise<void> {
    const share = await undoing(delivered, () => chooseJob(exchange, delivered, call));
    try {
      if (!share.isReplay) await call.onJob(share.jobId);
      await share.confirm();
    } catch (error) {
      await share.leave(toAppError(error));
      throw error;
    }
    await answer(exchange, call.entry, { jobId: share.jobId, wish: call.wish, share });
  }

  async function checkCallback(url: unknown): Promise<string | undefined> {
    return url === undefined ? undefined : await webhooks.check(url);
  }

  return call;
}

/** Until when the job has to be done, in milliseconds from now; undefined: it may go on. */
function jobLimitMs({ onTimeout, waitMs, deadlineAt }: Wish): number | undefined {
  if (onTimeout === 'tell') return undefined;
  const untilDeadline = deadlineAt === undefined ? undefined : deadlineAt - Date.now();
  return onTimeout === 'end' ? Math.min(waitMs, untilDeadline ?? waitMs) : untilDeadline;
}

/** `?priority=`, -10 to 10, undefined: the task's. Error: `invalid_input`. */
function readPriority(query: URLSearchParams): number | undefined {
  const text = query.get('priority');
  if (text === null) return undefined;
  if (/^-?(\d|10)$/.test(text)) return Number(text);
  throw new AppError('invalid_input', `priority=${text.slice(0, 64)}: expected a whole number from -10 to 10`);
}
