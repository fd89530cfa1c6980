import { Channel } from '../core/channel.ts';
import { toAppError } from '../core/errors.ts';
import type { Sink } from '../storage/storage.ts';
import type { ByteSource } from './byte-source.ts';
import type { Digester } from './digest.ts';
import { type MinRate, RateClock } from './rate-clock.ts';
import { type ReaderOptions, readInto } from './reader.ts';
import type { UploadTrace } from './trace.ts';
import { writeFrom } from './writer.ts';

export interface TransferOptions {
  readonly source: ByteSource;
  readonly sink: Pick<Sink, 'write'>;
  readonly digester: Pick<Digester, 'update'>;
  readonly channelBytes: number;
  readonly declaredBytes: number | undefined;
  readonly maxBytes: number;
  readonly minRate: MinRate | undefined;
  readonly signal: AbortSignal;
  /** Nobody needs the bytes before the last one is there: they may be lost when it never comes. */
  readonly isAllOrNothing: boolean;
  /** Sees the bytes before they are written. */
  readonly onBatch: (batch: readonly Uint8Array[]) => void;
  readonly trace: UploadTrace | undefined;
}

/** The bytes of one upload on their way from the source to the sink. */
export interface Transfer {
  /** Resolves with the number of bytes when all are written; rejects when neither side runs any more. */
  readonly finished: Promise<number>;
  readonly bufferedBytes: () => number;
}

/** A small chunk takes more memory than its bytes, and a client can send them one by one. */
const CHUNK_OVERHEAD_BYTES = 256;

/**
 * Bytes that are waited for before a write, which takes 40 µs of the event loop (measured): a client with 2 KB/s would else
 * make one for each of its packets. A source that gathers brings them at once.
 */
const GATHERED_BYTES = 4 * 1024;

/**
 * Starts the two coroutines of an upload: one waits for the network while the other waits for the disk. Whichever fails,
 * or the signal, or the rate clock, stops both, and the first reason is the one that is told.
 */
export function startTransfer(options: TransferOptions): Transfer {
  const capacity = options.channelBytes;
  const channel = new Channel<Uint8Array>({ capacity, sizeOf: (chunk) => chunk.byteLength + CHUNK_OVERHEAD_BYTES });
  return { finished: run(options, channel), bufferedBytes: () => channel.usedBytes };
}

/** Has the source gather. What the reader then tells of each chunk: the bytes were told of as they came. */
function gatherFor({ source, isAllOrNothing }: TransferOptions, clock: RateClock | undefined): ReaderOptions['clock'] {
  if (!isAllOrNothing || !source.gather) return clock;
  source.gather((bytes) => clock?.came(bytes));
  return clock && { waiting: () => clock.waiting(), arrived: () => clock.arrived(0) };
}

async function run(options: TransferOptions, channel: Channel<Uint8Array>): Promise<number> {
  const { minRate, signal, isAllOrNothing } = options;
  const stopped = new AbortController();
  function stop(error: unknown): void {
    const reason = toAppError(error);
    stopped.abort(reason);
    channel.fail(reason);
  }
  const onWritten = (chunk: Uint8Array) => options.source.recycle?.(chunk);
  const onAbort = () => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const clock = minRate && new RateClock({ rate: minRate, onTooSlow: stop });
  try {
    const reading = readInto({ ...options, channel, clock: gatherFor(options, clock), signal: stopped.signal });
    const minBytes = isAllOrNothing ? Math.min(GATHERED_BYTES, channel.capacity) : 0;
    const writing = writeFrom({ ...options, channel, onWritten, minBytes });
    const [total] = await Promise.all([writing.catch(stop), reading.catch(stop)]);
    stopped.signal.throwIfAborted();
    return total ?? 0;
  } finally {
    clock?.stop();
    signal.removeEventListener('abort', onAbort);
  }
}
