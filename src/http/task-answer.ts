import { createDeadline } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Acceptance, JobOutcome, Results, Share } from '../results/results.ts';
import type { TaskEntry } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import { jobUrl, linkJob, linkResult } from './links.ts';
import type { Wish } from './prefer.ts';

export interface TaskAnswerOptions {
  readonly results: Results;
  readonly acceptance: Acceptance;
}

export interface Answering {
  readonly jobId: string;
  readonly wish: Wish;
  readonly share: Share;
}

/** Answers the call that a job was made for, or throws what it is to be answered with. */
export type TaskAnswer = (exchange: Exchange, entry: TaskEntry, answering: Answering) => Promise<void>;

export function createTaskAnswer({ results, acceptance }: TaskAnswerOptions): TaskAnswer {
  /** A caller that leaves, by its deadline or by hanging up, gives its share of the job up. */
  async function answer(exchange: Exchange, entry: TaskEntry, answering: Answering): Promise<void> {
    const { jobId: id, wish, share } = answering;
    const timeout = createTimeout(wish, id, wish.onTimeout !== 'tell');
    try {
      exchange.setHeader('content-location', `${jobUrl(exchange, id)}/result`);
      const job = await outcome(id, wish, exchange.signal, timeout);
      if (job) replyOutcome(exchange, job);
      else await handOver(exchange, entry, { ...answering, timeout });
      share.release();
    } catch (error) {
      const isEnded = await share.leave(toAppError(error));
      throw error === timeout ? createTimeout(wish, id, isEnded) : error;
    }
  }

  /** undefined: not within the time that the caller waits. */
  async function outcome(
    id: string,
    { waitMs, deadlineAt = Number.POSITIVE_INFINITY }: Wish,
    gone: AbortSignal,
    timeout: AppError,
  ): Promise<JobOutcome | undefined> {
    const ms = Math.min(waitMs, deadlineAt - Date.now());
    if (ms <= 0) return undefined;
    using limit = createDeadline({ ms, parents: [gone], reason: timeout });
    try {
      return await results.outcome(id, limit.signal);
    } catch (error) {
      if (error === timeout) return undefined;
      throw error;
    }
  }

  /** The time is up: the job ends, or goes on without its caller and is durable before the caller knows. */
  async function handOver(
    exchange: Exchange,
    { task }: TaskEntry,
    { jobId: id, wish, timeout }: Answering & { readonly timeout: AppError },
  ): Promise<void> {
    if (wish.onTimeout === 'end') throw timeout;
    await acceptance.accept(id, { deadlineAt: wish.onTimeout === 'hand-over' ? wish.deadlineAt : undefined });
    if (wish.onTimeout === 'tell') throw timeout;
    exchange.setHeader('content-location', jobUrl(exchange, id));
    const json = linkJob(exchange, await results.get(id));
    const location = [['location', jobUrl(exchange, id)]] as const;
    if (task.reply) exchange.replyJson(200, task.reply(json), location);
    else exchange.replyJson(202, json, location);
  }

  return answer;
}

function replyOutcome(exchange: Exchange, job: JobOutcome): void {
  if (job.status !== 'succeeded') throw job.error ?? new AppError('internal', `job ${job.id} is ${job.status}`);
  exchange.replyJson(200, linkResult(exchange, job.id, job.result));
}

/** `isEnded`: by this caller's leaving; else others wait for the job, or it was accepted. */
function createTimeout({ waitMs }: Wish, jobId: string, isEnded: boolean): AppError {
  const end = isEnded
    ? 'the job was stopped. Ask for more time with ?deadline='
    : 'the job goes on: ask for it by its id';
  return new AppError('deadline_exceeded', `no result within ${waitMs / 1000} s; ${end}`, { extra: { job_id: jobId } });
}
