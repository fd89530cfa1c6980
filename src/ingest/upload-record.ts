import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { BrokenGrowing, type GrowingBlobs } from '../storage/storage.ts';
import { parseUploadMetadata } from './upload-metadata.ts';

const RECORD = z.object({
  /** Whose count of open uploads it is in. */
  caller: z.string(),
  protocol: z.enum(['tus', 'ietf']),
  /** Bytes in the end; undefined: not known yet. */
  length: z.number().int().nonnegative().optional(),
  /** `Upload-Metadata` as it was sent. */
  metadata: z.string(),
  /** `partial`, or the ids of the partial uploads that this one is made of (tus concatenation). */
  concat: z.union([z.literal('partial'), z.array(z.string())]).optional(),
  /** `Repr-Digest` as it was sent. */
  reprDigest: z.string().optional(),
  /** A chunk with a checksum is under way from here on: what a crash leaves of it has not been checked. */
  uncheckedFrom: z.number().int().nonnegative().optional(),
  /** All bytes are here, and this file is being made of them, or has been. */
  fileId: z.string().optional(),
  /** The one job that may come of it, chosen before it is started. */
  jobId: z.string().optional(),
  isStarted: z.boolean().optional(),
});

/** What is kept of an upload beside its bytes. */
export type UploadRecord = z.infer<typeof RECORD>;

export interface UploadEntry {
  readonly id: string;
  readonly record: UploadRecord;
  /** Durable bytes. */
  readonly size: number;
  /** When it last grew: milliseconds since 1970. */
  readonly changedAt: number;
}

export interface UploadRecords {
  /** Error: `conflict`, `storage_full`. */
  create(id: string, record: UploadRecord): Promise<void>;
  /** undefined: there is none, or none that can be read. Error: `BrokenGrowing`. */
  find(id: string): Promise<UploadEntry | undefined>;
  save(id: string, record: UploadRecord): Promise<void>;
  /** Nothing changes where it was known, or is not known yet. */
  learnLength(entry: UploadEntry, length: number | undefined): Promise<UploadEntry>;
  /** Takes back what a crash has left of a chunk with a checksum. */
  dropUnchecked(entry: UploadEntry): Promise<UploadEntry>;
  delete(id: string): Promise<void>;
  list(): AsyncIterable<string>;
}

/** Upload records as the states of growing blobs. */
export function createUploadRecords(growing: GrowingBlobs): UploadRecords {
  const toState = (record: UploadRecord) => ({ note: record, expectedBytes: record.length });
  const save = (id: string, record: UploadRecord) => growing.update(id, toState(record));
  return {
    create: (id, record) => growing.create(id, toState(record)),
    async find(id) {
      const info = isId(id) ? await growing.find(id) : undefined;
      const record = RECORD.safeParse(info?.note);
      return info && record.success
        ? { id, record: record.data, size: info.size, changedAt: info.changedAt }
        : undefined;
    },
    save,
    async learnLength(entry, length) {
      if (length === undefined || entry.record.length !== undefined) return entry;
      const record = { ...entry.record, length };
      await save(entry.id, record);
      return { ...entry, record };
    },
    async dropUnchecked(entry) {
      const { uncheckedFrom, ...record } = entry.record;
      if (uncheckedFrom === undefined) return entry;
      const size = Math.min(entry.size, uncheckedFrom);
      const bytes = await growing.open(entry.id, { isForAppend: false });
      await bytes.truncate(size).finally(() => bytes.close());
      await save(entry.id, record);
      return { ...entry, record, size };
    },
    delete: (id) => growing.delete(id),
    list: () => growing.list(),
  };
}

/** For whoever removes what is of no use: undefined also where the bytes cannot be trusted any more. */
export async function findSound(records: UploadRecords, id: string, log: Log): Promise<UploadEntry | undefined> {
  try {
    return await records.find(id);
  } catch (error) {
    if (!(error instanceof BrokenGrowing)) throw error;
    log.error({ err: error, upload: id }, 'an upload is removed, since its bytes did not reach the disk');
    return undefined;
  }
}

/** All its bytes are here. An IETF upload is whole when its client says so, which is kept as `fileId`. */
export function isWhole({ record, size }: UploadEntry): boolean {
  if (record.fileId !== undefined) return true;
  return record.protocol === 'tus' && record.concat !== 'partial' && record.length === size;
}

/** Whole, but not a file yet, or its work has not started. */
export function isUnfinished(upload: UploadEntry): boolean {
  if (!isWhole(upload)) return false;
  const { fileId, isStarted = false, metadata } = upload.record;
  const isWaiting = !isStarted && parseUploadMetadata(metadata).has('task');
  return fileId === undefined || upload.size > 0 || isWaiting;
}

export function unknownUpload(id: string): AppError {
  return new AppError('not_found', `there is no upload ${id.slice(0, 64)}: create one by POST /v1/uploads`);
}
