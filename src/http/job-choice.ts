import { AppError } from '../core/errors.ts';
import type { Delivered } from '../ingest/ingest.ts';
import type { Slot } from '../queue/queue.ts';
import { fingerprint, type KeyClaim, type Share, type Shares, type Twins, type Work } from '../results/results.ts';
import { checkMediaType, type TaskEntry, type Tasks } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import { sentMediaType } from './upload.ts';

export interface JobChoiceOptions {
  readonly tasks: Tasks;
  readonly shares: Shares;
  readonly twins: Twins;
}

export interface Order {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  readonly query: Record<string, string>;
  readonly claim: KeyClaim | undefined;
  readonly priority: number;
}

export interface JobShare extends Share {
  readonly jobId: string;
  /** The call is one that was made before. */
  readonly isReplay: boolean;
  /** The share will be answered. Durable on return, where the caller gave a key: the same call finds the job again. */
  confirm(): Promise<void>;
}

/** A new job for what was delivered, or the one that does the same work: then what was delivered is not needed. */
export type JobChoice = (exchange: Exchange, delivered: Delivered, order: Order) => Promise<JobShare>;

export function createJobChoice({ tasks, shares, twins }: JobChoiceOptions): JobChoice {
  return async (exchange, delivered, { entry, slot, caller, query, claim, priority }) => {
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
      const share = withUndo(shares.take(known), delivered.undo);
      return { ...share, jobId: known, isReplay: earlier !== undefined, confirm: delivered.undo };
    }
    const { id } = tasks.submit({ entry, slot, caller, input, files: files.map((file) => file.id), priority });
    twins.note(work, id);
    const confirm = async () => await claim?.bind(payload, id);
    return { ...shares.take(id, delivered.undo), jobId: id, isReplay: false, confirm };
  };
}

/** For a share of another delivery's job. */
function withUndo({ leave, release }: Share, undo: () => Promise<void>): Share {
  return {
    async leave(reason) {
      await leave(reason);
      await undo();
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

/** Query and body together; a name that stands in both is an error. Only JSON has types: all else is text. */
function readInput(
  exchange: Exchange,
  { entry, query, members }: { entry: TaskEntry; query: Record<string, string>; members: Delivered['members'] },
): unknown {
  const { name: _fileName, callback_url: _callbackUrl, ...rest } = members;
  const twice = Object.keys(rest).find((name) => name in query);
  if (twice !== undefined) throw new AppError('invalid_input', `${twice}: given in the query and in the body`);
  if (sentMediaType(exchange) !== 'application/json') return entry.input.parse({ ...query, ...rest }, 'text');
  return entry.input.parse({ ...entry.input.fromText(query), ...rest }, 'json');
}
