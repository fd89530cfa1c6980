import { AppError, toAppError } from '../core/errors.ts';
import type { NewId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { ownerOf } from '../core/owner.ts';
import type { Appendable, Growing, Storage } from '../storage/storage.ts';
import { algorithmsFor, verify } from './digest-check.ts';
import { parseDigest } from './digest-headers.ts';
import { cleanFileName } from './file-name.ts';
import { HEAD_BYTES, Head } from './media-type.ts';
import { fileKey, fromBlob, type StoredFile, toMeta } from './stored-file.ts';
import type { UploadDigests } from './upload-digests.ts';
import { metadataName, metadataType, parseUploadMetadata, type UploadMetadata } from './upload-metadata.ts';
import type { UploadEntry, UploadRecord, UploadRecords } from './upload-record.ts';

/** Work that starts when the last byte of an upload is stored, as its metadata asks for. */
export interface UploadWork {
  /** Before a byte is sent. Error: `invalid_input`, for work that can never be done. */
  check(metadata: UploadMetadata): void;
  /** On return the job outlives the process. Idempotent by `jobId`. */
  start(order: WorkOrder): Promise<void>;
}

/** What an upload whose metadata names a `task` asks for. */
export interface WorkOrder {
  readonly jobId: string;
  readonly file: StoredFile;
  readonly metadata: UploadMetadata;
  readonly caller: string;
}

export interface FinisherOptions {
  readonly storage: Storage & Appendable;
  readonly records: UploadRecords;
  readonly digests: UploadDigests;
  readonly newId: NewId;
  readonly work: UploadWork;
  readonly log: Log;
  /** Told of each file once it is durable. */
  readonly onStored: (file: StoredFile) => void;
}

export interface Finished {
  readonly record: UploadRecord;
  readonly file: StoredFile;
  /** Why its work has not started; calling again helps. */
  readonly delay?: AppError;
}

/**
 * Makes a file of an upload whose bytes are all here, and starts its work. Each step leaves its mark in the record before the
 * next, so that calling it again goes on where a crash, or an error that passes, stopped it.
 *
 *     record.fileId -> file -> record.jobId -> job -> record.isStarted
 *
 * What can never succeed (another digest than announced, work that the content is not fit for) removes all of it.
 * Errors: `digest_mismatch`, `gone` (the file was deleted since), those of the storage and of the work.
 */
export function createFinisher(options: FinisherOptions): (upload: UploadEntry) => Promise<Finished> {
  const { storage, records, digests, newId, work, log, onStored } = options;

  async function finish(upload: UploadEntry): Promise<Finished> {
    const { fileId = newId(ownerOf(upload.record.caller)) } = upload.record;
    const record = { ...upload.record, fileId, length: upload.record.length ?? upload.size };
    if (upload.record.fileId === undefined) await records.save(upload.id, record);
    const file = await store({ ...upload, record }, fileId, upload.record.fileId !== undefined);
    return await startWork(upload.id, record, file);
  }

  async function store(upload: UploadEntry, fileId: string, isRepeated: boolean): Promise<StoredFile> {
    const blob = isRepeated ? await storage.stat(fileKey(fileId)) : undefined;
    if (blob && upload.size === 0) return fromBlob(blob);
    if (isRepeated && upload.size === 0)
      throw new AppError('gone', 'the file that was made of this upload was deleted');
    const growing = await storage.growing.open(upload.id, { isForAppend: false });
    try {
      const file = blob ? fromBlob(blob) : await describe(upload, growing, fileId);
      await growing.publish(fileKey(fileId), toMeta(file));
      onStored(file);
      log.debug({ file: fileId, upload: upload.id, bytes: file.size }, 'an upload became a file');
      return file;
    } catch (error) {
      if (error instanceof AppError && error.code === 'digest_mismatch') await records.delete(upload.id);
      throw error;
    } finally {
      await growing.close();
    }
  }

  async function describe({ id, size, record }: UploadEntry, growing: Growing, fileId: string): Promise<StoredFile> {
    const metadata = parseUploadMetadata(record.metadata);
    const expected = parseDigest(record.reprDigest ?? '');
    const found = await digests.finish(id, { growing, size, algorithms: algorithmsFor(expected) });
    const sha256 = verify(found, expected);
    const head = new Head();
    for await (const chunk of growing.read({ start: 0, end: Math.min(size, HEAD_BYTES) - 1 })) head.add([chunk]);
    const mediaType = await head.mediaType(metadataType(metadata));
    const name = cleanFileName(metadataName(metadata));
    return { id: fileId, name, size, sha256, mediaType, createdAt: new Date().toISOString() };
  }

  async function startWork(id: string, record: UploadRecord, file: StoredFile): Promise<Finished> {
    const metadata = parseUploadMetadata(record.metadata);
    if (record.isStarted || !metadata.has('task')) return { record, file };
    const { caller, jobId = newId(ownerOf(caller)) } = record;
    const chosen = { ...record, jobId };
    try {
      if (record.jobId === undefined) await records.save(id, chosen);
      await work.start({ jobId, file, metadata, caller });
    } catch (error) {
      const delay = toAppError(error);
      if (!NEVER_POSSIBLE.has(delay.code)) {
        log.warn({ upload: id, job_id: jobId, err: error }, 'the work of an upload could not be started yet');
        return { record: chosen, file, delay };
      }
      await storage.delete(fileKey(file.id));
      await records.delete(id);
      throw delay;
    }
    const started = { ...chosen, isStarted: true };
    try {
      await records.save(id, started);
    } catch (error) {
      // Asked for once more the next time, which changes nothing.
      log.warn(
        { upload: id, job_id: jobId, err: error },
        'the work of an upload was started, which could not be noted',
      );
    }
    return { record: started, file };
  }

  return finish;
}

/** What waiting does not help. */
const NEVER_POSSIBLE: ReadonlySet<string> = new Set([
  'invalid_input',
  'unsupported_media_type',
  'not_found',
  'forbidden',
]);
