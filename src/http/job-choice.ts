import { ownerOf } from '../core/owner.ts';
import type { Slot } from '../queue/queue.ts';
import { fingerprint, type KeyClaim, type Share, type Shares, type Twins, type Work } from '../results/results.ts';
import type { TaskEntry, Tasks } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import type { Wish } from './prefer.ts';
import { type CallQuery, readFiles, readInput, type TaskBody } from './task-body.ts';

export interface JobChoiceOptions {
  readonly tasks: Tasks;
  readonly shares: Shares;
  readonly twins: Twins;
}

export interface Order {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  readonly query: CallQuery;
  readonly claim: KeyClaim | undefined;
  readonly wish: Wish;
  /** undefined: the task's. */
  readonly priority: number | undefined;
}

export interface JobShare extends Share {
  readonly jobId: string;
  /** The call is one that was made before. */
  readonly isReplay: boolean;
  /** The share will be answered. Durable on return, where the caller gave a key: the same call finds the job again. */
  confirm(): Promise<void>;
}

/** A new job for what was delivered, or the one that does the same work: then what was delivered is not needed. */
export type JobChoice = (exchange: Exchange, delivered: TaskBody, order: Order) => Promise<JobShare>;

export function createJobChoice({ tasks, shares, twins }: JobChoiceOptions): JobChoice {
  return async (exchange, delivered, { entry, slot, caller, query, claim, priority, wish }) => {
    const input = readInput(entry, query, delivered);
    const files = readFiles(entry, delivered);
    const { name: task, version } = entry.task;
    const sha256 = files.map(({ field, file }) => `${field}:${file.sha256}`);
    const work: Work = { task, owner: ownerOf(caller), version, input, sha256 };
    const payload = fingerprint({ ...work, version: undefined });
    const earlier = await claim?.earlier(payload);
    const isShared = version !== undefined && !isBypassed(exchange);
    const kept = isShared && earlier === undefined ? await twins.findKept(work) : undefined;
    exchange.signal.throwIfAborted();
    // A job with an end of its own is nobody else's: others may have more time.
    const isLimited = wish.onTimeout === 'hand-over' && wish.deadlineAt !== undefined;
    // From here to the submission nothing waits, so that of equal calls one makes the job.
    const live = isShared && !isLimited ? twins.findLive(work) : undefined;
    const done = isShared ? (twins.findRecent(work) ?? kept) : undefined;
    const known = earlier ?? live ?? done;
    if (version !== undefined) exchange.setHeader('cache-status', `penstock; ${cacheStatus(isShared, live, done)}`);
    if (earlier !== undefined) exchange.setHeader('idempotency-replayed', 'true');
    if (known !== undefined) {
      // It needs no place of its own: others wait for one.
      slot.release();
      const share = withUndo(shares.take(known), delivered.undo);
      const confirm = async () => {
        if (earlier === undefined) await claim?.bind(payload, known);
        await delivered.undo();
      };
      return { ...share, jobId: known, isReplay: earlier !== undefined, confirm };
    }
    const { id } = tasks.submit({ entry, slot, caller, input, files, priority });
    twins.note(work, id, !isLimited);
    const confirm = async () => await claim?.bind(payload, id);
    return { ...shares.take(id, delivered.undo), jobId: id, isReplay: false, confirm };
  };
}

/** For a share of another delivery's job. */
function withUndo({ leave, release }: Share, undo: () => Promise<void>): Share {
  return {
    async leave(reason) {
      const isEnded = await leave(reason);
      await undo();
      return isEnded;
    },
    release,
  };
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
