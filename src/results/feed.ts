import type { JobJson } from '../api.ts';
import type { Queue } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { toJobJson } from './job-json.ts';
import { readRecord } from './record.ts';

/** What a follower of a job is told; `id` names how far it has come. */
export type FeedEvent =
  | { readonly type: 'snapshot' | 'progress' | 'done'; readonly id: string; readonly job: JobJson }
  | { readonly type: 'part'; readonly id: string; readonly value: unknown; readonly outputs: readonly string[] };

export interface Feed {
  /**
   * The snapshot, then each part that comes after the event `lastId` (all, where that is of another process or missing) and
   * the newest state whenever it has changed, ending after `done`; for an ended job at once. undefined: the follower has
   * been told `done` already. Errors: `not_found`, `gone`, the signal's reason.
   */
  follow(jobId: string, lastId: string | undefined, signal: AbortSignal): Promise<AsyncIterable<FeedEvent> | undefined>;
}

export interface FeedOptions {
  readonly queue: Queue;
  readonly storage: Storage;
  /** Names this process: the numbers of parts hold within it. */
  readonly epoch: string;
  /** Finds a job, or says why there is none. */
  readonly get: (id: string) => Promise<JobJson>;
}

const DONE = 'done';

export function createFeed({ queue, storage, epoch, get }: FeedOptions): Feed {
  async function follow(jobId: string, lastId: string | undefined, signal: AbortSignal) {
    if (queue.get(jobId)) return lastId === nameOf(epoch, DONE) ? undefined : live(jobId, lastId, signal);
    const record = await readRecord(storage, jobId);
    if (!record) return one(await get(jobId));
    return lastId === nameOf(record.epoch, DONE) ? undefined : replay(record, seenParts(lastId, record.epoch));
  }

  async function* live(jobId: string, lastId: string | undefined, signal: AbortSignal): AsyncGenerator<FeedEvent> {
    let seen = seenParts(lastId, epoch);
    for await (const event of queue.watch(jobId, signal, seen)) {
      if (event.type === 'part') {
        seen += 1;
        yield { type: 'part', id: nameOf(epoch, seen), ...event.part };
      } else {
        const id = nameOf(epoch, event.type === 'done' ? DONE : seen);
        yield { type: event.type, id, job: toJobJson(event.job, Date.now(), queue.place(jobId)) };
      }
    }
  }

  return { follow };
}

async function* one(job: JobJson): AsyncGenerator<FeedEvent> {
  yield { type: 'snapshot', id: '', job };
}

async function* replay(
  {
    job,
    parts,
    epoch,
  }: { job: JobJson; parts: readonly { value: unknown; outputs: readonly string[] }[]; epoch: string },
  seen: number,
): AsyncGenerator<FeedEvent> {
  yield { type: 'snapshot', id: nameOf(epoch, seen), job };
  for (const [index, part] of parts.entries()) {
    if (index >= seen) yield { type: 'part', id: nameOf(epoch, index + 1), ...part };
  }
  yield { type: 'done', id: nameOf(epoch, DONE), job };
}

function nameOf(epoch: string, position: number | typeof DONE): string {
  return `${epoch}-${position}`;
}

/** Parts that the follower has; none where its id is of another process, which finished them in another order. */
function seenParts(lastId: string | undefined, epoch: string): number {
  const [named, position = ''] = lastId?.split('-') ?? [];
  return named === epoch && /^\d{1,9}$/.test(position) ? Number(position) : 0;
}
