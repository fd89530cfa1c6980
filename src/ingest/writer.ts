import type { Channel } from '../core/channel.ts';
import { joinNeighbours } from '../core/chunk-slab.ts';
import type { Sink } from '../storage/storage.ts';
import type { Digester } from './digest.ts';
import type { UploadTrace } from './trace.ts';

export interface WriterOptions {
  readonly channel: Channel<Uint8Array>;
  readonly sink: Pick<Sink, 'write'>;
  readonly digester: Pick<Digester, 'update'>;
  /** Sees each batch before it is written. */
  readonly onBatch: (batch: readonly Uint8Array[]) => void;
  /** Gets each chunk once it is written and no longer needed. */
  readonly onWritten: (chunk: Uint8Array) => void;
  /** Waited for before a write, unless it is the last. */
  readonly minBytes: number;
  readonly trace: UploadTrace | undefined;
}

/** The writing coroutine: waits for bytes, takes all that are there, waits for the disk. Returns their number. */
export async function writeFrom({
  channel,
  sink,
  digester,
  onBatch,
  onWritten,
  minBytes,
  trace,
}: WriterOptions): Promise<number> {
  let total = 0;
  for (;;) {
    trace?.writer('get');
    const batch = await channel.receive(channel.capacity, { minBytes });
    if (!batch) return total;
    const pieces = joinNeighbours(batch);
    for (const piece of pieces) total += piece.byteLength;
    onBatch(pieces);
    trace?.writer('write');
    const writing = sink.write(pieces);
    try {
      // Here, not before: the digest uses the CPU while the disk works.
      digester.update(pieces);
    } catch (error) {
      await Promise.allSettled([writing]);
      throw error;
    }
    await writing;
    for (const chunk of batch) onWritten(chunk);
    trace?.writer('done');
  }
}
