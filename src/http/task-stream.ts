import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Slot } from '../queue/queue.ts';
import type { Results, Shares } from '../results/results.ts';
import type { StreamedJob, TaskEntry, Tasks } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import { type ItemFormat, replyItems } from './item-stream.ts';
import { jobUrl, linkItems } from './links.ts';
import { prefersJob, type Wish } from './prefer.ts';
import { type CallQuery, readFiles, readInput, type TaskBody, undoing } from './task-body.ts';

export interface TaskStreamOptions {
  readonly tasks: Tasks;
  readonly results: Results;
  readonly shares: Shares;
}

export interface StreamOrder {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  readonly query: CallQuery;
  readonly wish: Wish;
  readonly priority: number | undefined;
  readonly format: ItemFormat;
  /** Told of the job before it is answered. */
  readonly onJob: (id: string) => Promise<void>;
}

/** Answers a call by the items of a generator, as it yields them and as fast as the caller reads. */
export type TaskStream = (exchange: Exchange, delivered: TaskBody, order: StreamOrder) => Promise<void>;

/** undefined: the caller wants the job, or the whole result. */
export function wantedStream(exchange: Exchange, entry: TaskEntry, wish: Wish): ItemFormat | undefined {
  if (!entry.canStream || prefersJob(exchange)) return undefined;
  const accepted = exchange.headers('accept').join(',');
  if (/text\/event-stream/i.test(accepted)) return 'sse';
  if (/application\/(x-ndjson|jsonl|json-seq)/i.test(accepted)) return 'ndjson';
  return entry.answer === 'stream' && wish.onTimeout === 'end' ? 'ndjson' : undefined;
}

export function createTaskStream({ tasks, results, shares }: TaskStreamOptions): TaskStream {
  async function submit({ query, entry, ...order }: StreamOrder, delivered: TaskBody): Promise<StreamedJob> {
    return await undoing(delivered, async () => {
      const input = readInput(entry, query, delivered);
      return tasks.submitStreamed({ ...order, entry, input, files: readFiles(entry, delivered) });
    });
  }

  return async (exchange, delivered, order) => {
    const { job, items, endWith, close } = await submit(order, delivered);
    const share = shares.take(job.id, delivered.undo);
    const { waitMs, deadlineAt = Number.POSITIVE_INFINITY } = order.wish;
    const extra = { job_id: job.id };
    const reason = new AppError('deadline_exceeded', 'the deadline passed before the last item', { extra });
    using limit = createDeadline({ ms: Math.min(waitMs, deadlineAt - Date.now()), parents: [exchange.signal], reason });
    const outcome = results.outcome(job.id, limit.signal).then(({ status, error, result }) => {
      if (status !== 'succeeded') throw error ?? new AppError('internal', `job ${job.id} is ${status}`);
      return result;
    });
    endWith(outcome, limit.signal);
    try {
      await order.onJob(job.id);
      exchange.setHeader('content-location', jobUrl(exchange, job.id));
      const source = linkItems(exchange, job.id, withResult(items, outcome));
      await replyItems(exchange, source, { format: order.format, errorExtra: extra });
      share.release();
    } catch (error) {
      await share.leave(toAppError(error));
      throw error;
    } finally {
      close();
    }
  };
}

/** A task that is no generator after all has one item. */
async function* withResult(items: AsyncIterable<string>, outcome: Promise<unknown>): AsyncGenerator<string> {
  let count = 0;
  for await (const item of items) {
    count += 1;
    yield item;
  }
  const result = await outcome;
  const isCount = typeof result === 'object' && result !== null && 'streamed' in result;
  if (count === 0 && !isCount) yield JSON.stringify(result);
}
