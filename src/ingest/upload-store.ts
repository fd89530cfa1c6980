import { AppError, toAppError } from '../core/errors.ts';
import type { NewId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { ownerOf } from '../core/owner.ts';
import { type Appendable, BrokenGrowing, type Storage } from '../storage/storage.ts';
import type { DigestFollower } from './digest-follower.ts';
import type { MinRate } from './rate-clock.ts';
import { fileKey, type StoredFile } from './stored-file.ts';
import type { Transfer } from './transfer.ts';
import { tooLarge } from './tus.ts';
import { appendChunk } from './upload-append.ts';
import { assertJoinable, concatenate } from './upload-concat.ts';
import { createUploadDigests, type UploadDigests } from './upload-digests.ts';
import { UploadExpiry } from './upload-expiry.ts';
import { createFinisher, type Finished, type UploadWork } from './upload-finish.ts';
import { createUploadLocks, type Hold, type LockMode, type UploadLocks } from './upload-locks.ts';
import { parseUploadMetadata } from './upload-metadata.ts';
import { OpenUploads } from './upload-quota.ts';
import {
  createUploadRecords,
  findSound,
  isWhole,
  type UploadEntry,
  type UploadRecords,
  unknownUpload,
} from './upload-record.ts';
import type { AppendPlan, AppendRequest, NewUpload, UploadStatus, UploadStore } from './uploads.ts';

export interface UploadStoreOptions {
  readonly storage: Storage & Appendable;
  readonly newId: NewId;
  readonly log: Log;
  readonly follower: DigestFollower;
  /** Bytes between the reader and the writer of one request. */
  readonly channelBytes: number;
  readonly maxUploadBytes: number;
  readonly minRate: MinRate | undefined;
  /** That get bytes at once. */
  readonly maxUploads: number;
  /** Uploads of one caller that are not finished. */
  readonly maxOpenPerCaller: number;
  /** Seconds for which an upload is kept after it last grew, finished or not. */
  readonly retentionS: number;
  readonly work: UploadWork;
  /** Told of each file once it is durable. */
  readonly onStored: (file: StoredFile) => void;
}

/** Reads what is there from before, removes what has expired, now and on a clock, and finishes what a crash left whole. */
export async function openUploadStore(options: UploadStoreOptions): Promise<UploadStore> {
  const store = new GrowingUploads(options);
  await store.start();
  return store;
}

/** An upload as its record and bytes tell, and the file that it has become. */
interface Settled extends Partial<Finished> {
  readonly entry: UploadEntry;
}

class GrowingUploads implements UploadStore {
  readonly #options: UploadStoreOptions;
  readonly #records: UploadRecords;
  readonly #locks: UploadLocks = createUploadLocks();
  readonly #digests: UploadDigests;
  readonly #finish: (upload: UploadEntry) => Promise<Finished>;
  readonly #open: OpenUploads;
  readonly #expiry: UploadExpiry;
  readonly #transfers = new Set<Transfer>();

  constructor(options: UploadStoreOptions) {
    const { storage, newId, work, log, onStored } = options;
    this.#options = options;
    this.#records = createUploadRecords(storage.growing);
    this.#digests = createUploadDigests(options.follower, options.maxUploads);
    const parts = { records: this.#records, digests: this.#digests };
    this.#finish = createFinisher({ storage, newId, work, log, onStored, ...parts });
    this.#open = new OpenUploads(options.maxOpenPerCaller);
    this.#expiry = new UploadExpiry({
      ...{ records: this.#records, log, retentionS: options.retentionS },
      isHeld: (id) => this.#locks.isHeld(id),
      drop: (id) => this.#locked(id, 'refuse', () => this.#discard(id)),
      settle: async (id) => void (await this.status(id, 'look')),
    });
  }

  async start(): Promise<void> {
    for await (const id of this.#records.list()) {
      const entry = await findSound(this.#records, id, this.#options.log);
      const isHalfJoined = Array.isArray(entry?.record.concat) && !isWhole(entry);
      if (!entry || isHalfJoined) await this.#records.delete(id);
      else if (entry.record.fileId === undefined) this.#open.add(id, entry.record.caller);
    }
    this.#expiry.start();
  }

  async create(upload: NewUpload, signal: AbortSignal): Promise<UploadStatus> {
    const { newId, work } = this.#options;
    work.check(parseUploadMetadata(upload.metadata));
    const id = newId(ownerOf(upload.caller));
    // Counted before anything waits: creations at once must not pass the limit together.
    // One that is joined is not open for a moment, and it is what its parts wait for.
    if (!Array.isArray(upload.concat)) this.#open.claim(id, upload.caller);
    try {
      return await this.#createAs(id, upload, signal);
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  async #createAs(id: string, upload: NewUpload, signal: AbortSignal): Promise<UploadStatus> {
    const { maxUploadBytes } = this.#options;
    const releaseParts = await this.#locks.acquireAll(Array.isArray(upload.concat) ? upload.concat : []);
    try {
      const parts = await this.#loadParts(upload.concat);
      const length = parts?.reduce((sum, { size }) => sum + size, 0) ?? upload.length;
      if ((length ?? 0) > maxUploadBytes) throw tooLarge(maxUploadBytes);
      const entry = { id, record: { ...upload, length }, size: 0, changedAt: Date.now() };
      return await this.#locked(id, 'refuse', () => this.#make(entry, parts, signal));
    } finally {
      releaseParts();
    }
  }

  async assertKnown(id: string): Promise<void> {
    await this.#load(id);
  }

  async status(id: string, mode: 'look' | 'take_over'): Promise<UploadStatus> {
    if (mode === 'look' && this.#locks.isWell(id)) return this.#describe({ entry: await this.#load(id) });
    return this.#locked(id, mode === 'look' ? 'refuse' : mode, async (hold) => {
      hold.settle();
      return this.#describe(await this.#settle(id));
    });
  }

  async append(id: string, request: AppendRequest): Promise<UploadStatus> {
    return this.#locked(id, request.mode, async (hold) => {
      const upload = await this.#settle(id);
      const plan = request.plan(this.#describe(upload));
      if (upload.file) return this.#describe(started(upload));
      let entry = await this.#records.learnLength(upload.entry, plan.length);
      if (request.source) entry = await this.#receive(entry, { ...request, plan }, hold);
      if (!plan.isWhole(entry.size)) return this.#describe({ entry });
      hold.settle();
      return this.#describe(started(await this.#complete(entry)));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#locked(id, 'remove', async () => {
      if (!(await this.#records.find(id))) throw unknownUpload(id);
      await this.#discard(id);
    });
  }

  async undo(id: string): Promise<void> {
    await this.#locked(id, 'remove', () => this.#takeBack(id));
  }

  bufferedBytes(): number {
    return [...this.#transfers].reduce((sum, transfer) => sum + transfer.bufferedBytes(), 0);
  }

  close(): void {
    this.#expiry.close();
  }

  async #locked<T>(id: string, mode: LockMode, act: (hold: Hold) => Promise<T>): Promise<T> {
    const hold = await this.#locks.acquire(id, mode);
    try {
      return await act(hold);
    } catch (error) {
      // What is left of it would only mislead its client.
      if (error instanceof BrokenGrowing) await this.#discard(id);
      throw error;
    } finally {
      hold.release();
    }
  }

  async #loadParts(concat: NewUpload['concat']): Promise<readonly UploadEntry[] | undefined> {
    if (!Array.isArray(concat)) return undefined;
    const parts = await Promise.all(concat.map((id) => this.#load(id)));
    assertJoinable(parts);
    return parts;
  }

  /** Whoever asks for it learns its id only with the answer, so nothing is kept of what fails. */
  async #make(
    entry: UploadEntry,
    parts: readonly UploadEntry[] | undefined,
    signal: AbortSignal,
  ): Promise<UploadStatus> {
    const { id, record } = entry;
    await this.#records.create(id, record);
    try {
      if (!parts) return this.#describe(isWhole(entry) ? started(await this.#complete(entry)) : { entry });
      const { growing } = this.#options.storage;
      const size = await concatenate(parts, { id, growing, digests: this.#digests, signal });
      const joined = started(await this.#complete({ ...entry, size }));
      for (const part of parts) this.#open.delete(part.id);
      this.#expiry.dropSoon(parts.map((part) => part.id));
      return this.#describe(joined);
    } catch (error) {
      await this.#takeBack(id);
      throw toAppError(error);
    }
  }

  async #load(id: string): Promise<UploadEntry> {
    const entry = await this.#records.find(id);
    if (!entry) throw unknownUpload(id);
    if (this.#expiry.isExpired(entry)) throw new AppError('gone', `upload ${id} has expired: create a new one`);
    return entry;
  }

  /** The upload as it may be told to its client: nothing unchecked, nothing half-finished. For the holder of its lock. */
  async #settle(id: string): Promise<Settled> {
    const entry = await this.#records.dropUnchecked(await this.#load(id));
    return isWhole(entry) ? await this.#complete(entry) : { entry };
  }

  async #complete(entry: UploadEntry): Promise<Settled> {
    try {
      const finished = await this.#finish(entry);
      this.#open.delete(entry.id);
      return { entry: { ...entry, record: finished.record }, ...finished };
    } catch (error) {
      if (!(await this.#records.find(entry.id))) this.#open.delete(entry.id);
      throw error;
    }
  }

  async #receive(
    entry: UploadEntry,
    { source, expected, plan }: Omit<AppendRequest, 'plan'> & { plan: AppendPlan },
    hold: Hold,
  ): Promise<UploadEntry> {
    const { id, record, size: offset } = entry;
    if (!source) return entry;
    const growing = await this.#options.storage.growing.open(id);
    let transfer: Transfer | undefined;
    const onTransfer = (started: Transfer) => {
      transfer = started;
      this.#transfers.add(started);
    };
    try {
      if (expected.length > 0) await this.#records.save(id, { ...record, uncheckedFrom: offset });
      const { channelBytes, minRate } = this.#options;
      const chunk = { id, source, growing, offset, expected, hold, channelBytes, minRate, digests: this.#digests };
      const size = await appendChunk({ ...chunk, maxBytes: plan.maxBytes, onTransfer });
      if (expected.length > 0) await this.#records.save(id, record);
      return { ...entry, size, changedAt: Date.now() };
    } catch (error) {
      const isExcess = error instanceof AppError && error.code === 'too_large';
      if (isExcess && plan.endsOnExcess) await this.#discard(id);
      throw isExcess ? tooLarge(offset + plan.maxBytes) : error;
    } finally {
      if (transfer) this.#transfers.delete(transfer);
      await growing.close();
    }
  }

  async #takeBack(id: string): Promise<void> {
    const { fileId, isStarted } = (await this.#records.find(id))?.record ?? {};
    if (fileId !== undefined && !isStarted) await this.#options.storage.delete(fileKey(fileId));
    await this.#discard(id);
  }

  async #discard(id: string): Promise<void> {
    this.#digests.forget(id);
    await this.#records.delete(id);
    this.#open.delete(id);
    this.#expiry.forget(id);
  }

  #describe({ entry: { id, record, size, changedAt }, file }: Settled): UploadStatus {
    return {
      ...{ id, protocol: record.protocol, metadata: record.metadata, concat: record.concat, file },
      jobId: record.isStarted ? record.jobId : undefined,
      offset: file?.size ?? Math.min(size, record.uncheckedFrom ?? size),
      length: record.length,
      expiresAt: this.#expiry.expiresAt(changedAt),
    };
  }
}

/** For whoever asked for the work. Error: why it has not started yet. */
function started(settled: Settled): Settled {
  if (settled.delay) throw settled.delay;
  return settled;
}
