import { AppError, toAppError } from '../core/errors.ts';
import type { NewId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { ownerOf } from '../core/owner.ts';
import type { Sink, Storage } from '../storage/storage.ts';
import type { ByteSource } from './byte-source.ts';
import { Digester } from './digest.ts';
import { algorithmsFor, type ExpectedDigest, verify } from './digest-check.ts';
import { DigestFollower } from './digest-follower.ts';
import { cleanFileName } from './file-name.ts';
import { Head } from './media-type.ts';
import type { MinRate } from './rate-clock.ts';
import { fileKey, type StoredFile, toMeta } from './stored-file.ts';
import { createTrace, type UploadTrace } from './trace.ts';
import { startTransfer, type Transfer } from './transfer.ts';

export interface IngestOptions {
  readonly storage: Storage;
  readonly newId: NewId;
  /** Bytes between the reader and the writer of one upload; the writer holds as many again while it writes. */
  readonly channelBytes: number;
  readonly log: Log;
  /** Told of each file once it is durable. */
  readonly onStored: (file: StoredFile) => void;
  /** Prints the turns of the coroutines on stdout. */
  readonly isTraced?: boolean;
  /** Shared with the resumable uploads. */
  readonly follower?: DigestFollower;
}

export interface ReceiveOptions {
  /** As the client says it; kept as metadata. A function is asked when all bytes are there. */
  readonly name: string | (() => string);
  readonly declaredType?: string | undefined;
  /** Exactly so many bytes must come. */
  readonly declaredBytes?: number | undefined;
  readonly maxBytes: number;
  /** undefined: however slow. */
  readonly minRate?: MinRate | undefined;
  /** The content must match each. */
  readonly expectedDigests?: readonly ExpectedDigest[];
  /** Whose file it will be. */
  readonly caller?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Ingest {
  /**
   * Stores all that the source brings; on return it is durable, on an error nothing remains. Errors: `too_large`,
   * `bad_request` (other than the declared bytes), `digest_mismatch`, `upload_too_slow`, `upload_stalled`, `storage_full`,
   * `too_many_uploads` (no descriptors), what the source rejects with, the signal's reason.
   */
  receive(source: ByteSource, options: ReceiveOptions): Promise<StoredFile>;
  /** Bytes in all channels now. */
  bufferedBytes(): number;
  close(): Promise<void>;
}

/** The front door of every upload, whatever way its bytes come. */
export function createIngest(options: IngestOptions): Ingest {
  const { storage, newId, channelBytes, log, onStored, isTraced = false, follower = new DigestFollower() } = options;
  const transfers = new Set<Transfer>();
  const startTrace = isTraced ? createTrace((text) => process.stdout.write(text)) : undefined;

  async function receive(source: ByteSource, wanted: ReceiveOptions): Promise<StoredFile> {
    const { declaredBytes, maxBytes, signal } = wanted;
    signal.throwIfAborted();
    if ((declaredBytes ?? 0) > maxBytes) throw new AppError('too_large', `a file may have at most ${maxBytes} bytes`);
    const id = newId(ownerOf(wanted.caller));
    const sink = await storage.create(fileKey(id), declaredBytes === undefined ? {} : { expectedBytes: declaredBytes });
    const trace = startTrace?.();
    let digester: Digester | undefined;
    try {
      digester = new Digester({ sink, declaredBytes, follower, algorithms: algorithmsFor(wanted.expectedDigests) });
      const file = await fill({ id, source, sink, digester, trace, wanted });
      trace?.end('Done');
      onStored(file);
      log.debug({ file: id, bytes: file.size }, 'stored a file');
      return file;
    } catch (error) {
      digester?.drop();
      await sink.abort();
      const reason = toAppError(error);
      trace?.end(reason.code);
      throw reason;
    }
  }

  async function fill({ id, source, sink, digester, trace, wanted }: Filling): Promise<StoredFile> {
    const { name, declaredType, declaredBytes, maxBytes, minRate, expectedDigests = [], signal } = wanted;
    const head = new Head();
    const onBatch = (batch: readonly Uint8Array[]) => head.add(batch);
    const limits = { declaredBytes, maxBytes, minRate, channelBytes };
    const transfer = startTransfer({ source, sink, digester, ...limits, signal, isAllOrNothing: true, onBatch, trace });
    transfers.add(transfer);
    const size = await transfer.finished.finally(() => transfers.delete(transfer));
    const digests = await digester.finish();
    const sha256 = verify(digests, expectedDigests);
    const mediaType = await head.mediaType(declaredType);
    const sentName = typeof name === 'function' ? name() : name;
    const file = { id, name: cleanFileName(sentName), size, sha256, mediaType, createdAt: new Date().toISOString() };
    // The last moment to notice that nobody waits for it: a commit is not taken back.
    signal.throwIfAborted();
    await sink.commit(toMeta(file));
    return file;
  }

  return {
    receive,
    bufferedBytes: () => [...transfers].reduce((sum, transfer) => sum + transfer.bufferedBytes(), 0),
    close: () => follower.close(),
  };
}

interface Filling {
  readonly id: string;
  readonly source: ByteSource;
  readonly sink: Sink;
  readonly digester: Digester;
  readonly trace: UploadTrace | undefined;
  readonly wanted: ReceiveOptions;
}
