import { createHash, type Hash } from 'node:crypto';
import { toAppError } from '../core/errors.ts';
import type { Growing } from '../storage/storage.ts';
import { type ByteSource, createByteSource } from './byte-source.ts';
import { type ExpectedDigest, hashName, verify } from './digest-check.ts';
import type { HashName } from './digest-messages.ts';
import type { MinRate } from './rate-clock.ts';
import { startTransfer, type Transfer } from './transfer.ts';
import type { UploadDigests } from './upload-digests.ts';
import type { Hold } from './upload-locks.ts';

export interface ChunkOptions {
  readonly id: string;
  readonly source: ByteSource;
  readonly growing: Growing;
  /** Where the chunk begins: the durable bytes now. */
  readonly offset: number;
  readonly maxBytes: number;
  /** Of the chunk. */
  readonly expected: readonly ExpectedDigest[];
  readonly hold: Hold;
  readonly digests: UploadDigests;
  readonly channelBytes: number;
  readonly minRate: MinRate | undefined;
  /** Told of the transfer while it runs, for its count of bytes. */
  readonly onTransfer: (transfer: Transfer) => void;
}

/**
 * Appends one request's bytes by the two coroutines of every upload; resolves with the durable size. When the client is lost
 * half-way, or too slow, what came so far stays. Taken back is a chunk that should have been checked and was not, or failed
 * (`digest_mismatch`), and one longer than allowed (`too_large`). Error: `BrokenGrowing`.
 */
export async function appendChunk(options: ChunkOptions): Promise<number> {
  const { growing, expected } = options;
  const hashes = new Map(expected.map((claim) => [hashName(claim), createHash(hashName(claim))]));
  const { source, throwIfInterrupted } = untilInterrupted(options.source, options.hold);
  try {
    const transfer = startTransfer({ ...wiring(options, hashes), source });
    options.onTransfer(transfer);
    await transfer.finished;
    throwIfInterrupted();
    verify(new Map([...hashes].map(([name, hash]) => [name, hash.digest()])), expected);
  } catch (error) {
    const reason = toAppError(error);
    if (expected.length > 0 || reason.code === 'too_large') await takeBack(options);
    else await growing.flush();
    throw reason;
  }
  const size = await growing.flush();
  options.digests.advance(options.id, growing, size);
  return size;
}

/** The upload's own side of the transfer: a sink that grows, digests that go on from the last request. */
function wiring(options: ChunkOptions, hashes: ReadonlyMap<HashName, Hash>) {
  const { id, growing, digests, hold, channelBytes, minRate, maxBytes, offset } = options;
  let written = offset;
  return {
    sink: { write: (chunks: readonly Uint8Array[]) => growing.append(chunks) },
    digester: {
      update(chunks: readonly Uint8Array[]): void {
        digests.advance(id, growing, written);
        for (const chunk of chunks) {
          written += chunk.byteLength;
          for (const hash of hashes.values()) hash.update(chunk);
        }
      },
    },
    ...{ channelBytes, minRate, maxBytes, signal: hold.signal },
    // The transport knows whether the request was whole.
    declaredBytes: undefined,
    isAllOrNothing: false,
    onBatch: () => undefined,
    trace: undefined,
  };
}

/**
 * Turns the loss of the client into an early end, so that what is already in the channel still gets written; and tells the
 * holder's clock when it waits.
 */
function untilInterrupted(body: ByteSource, hold: Hold): { source: ByteSource; throwIfInterrupted(): void } {
  let interruption: { readonly error: unknown } | undefined;
  const source = createByteSource(async (signal) => {
    hold.waiting();
    try {
      return await body.next(signal);
    } catch (error) {
      interruption = { error };
      return undefined;
    } finally {
      hold.arrived();
    }
  });
  return {
    source,
    throwIfInterrupted() {
      if (interruption) throw interruption.error;
    },
  };
}

async function takeBack({ id, growing, offset, digests }: ChunkOptions): Promise<void> {
  digests.forget(id);
  await growing.truncate(offset);
}
