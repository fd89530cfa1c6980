import type { ByteSource } from './byte-source.ts';
import type { ExpectedDigest } from './digest-check.ts';
import type { StoredFile } from './stored-file.ts';
import type { UploadRecord } from './upload-record.ts';

/** What can be said of an upload. */
export interface UploadStatus {
  readonly id: string;
  readonly protocol: UploadRecord['protocol'];
  /** Durable bytes. */
  readonly offset: number;
  readonly length: number | undefined;
  /** `Upload-Metadata` as it was sent. */
  readonly metadata: string;
  readonly concat: UploadRecord['concat'];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Once it is one. */
  readonly file: StoredFile | undefined;
  readonly jobId: string | undefined;
}

export type NewUpload = Omit<UploadRecord, 'uncheckedFrom' | 'fileId' | 'jobId' | 'isStarted'>;

/** What its protocol makes of a request, seen the upload as it is now. */
export interface AppendPlan {
  /** Known from now on, if it was not. */
  readonly length?: number | undefined;
  /** Of this request. */
  readonly maxBytes: number;
  /** More than that ends the upload; otherwise only the request. */
  readonly endsOnExcess: boolean;
  /** Told the size after the request: is the upload whole? May throw. */
  readonly isWhole: (size: number) => boolean;
}

export interface AppendRequest {
  /** undefined: no body. */
  readonly source: ByteSource | undefined;
  /** Of this request's body. */
  readonly expected: readonly ExpectedDigest[];
  /** What happens to another request that sends to this upload; see upload-locks.ts. */
  readonly mode: 'refuse' | 'take_over';
  /** Throws what the request is refused with. */
  readonly plan: (upload: UploadStatus) => AppendPlan;
}

/** Uploads that may take many requests and outlive restarts. Errors of all: `not_found`, `gone` (expired), `locked`. */
export interface UploadStore {
  /**
   * Makes an empty upload, or one that is joined from partial ones, which takes its time. Errors: `too_many_uploads` (open
   * ones of this caller), `storage_full`, `too_large`, `conflict`, those of the work that it names.
   */
  create(upload: NewUpload, signal: AbortSignal): Promise<UploadStatus>;
  /** Rejects where there is none; disturbs nobody and settles nothing. */
  assertKnown(id: string): Promise<void>;
  /** `look` disturbs nobody but a sender that has stalled; with `take_over` nobody sends on return, and the offset is final. */
  status(id: string, mode: 'look' | 'take_over'): Promise<UploadStatus>;
  /** Errors: those of `plan`, of the transfer, of the file and the work that a whole upload becomes. */
  append(id: string, request: AppendRequest): Promise<UploadStatus>;
  /** Stops whoever sends to it. */
  remove(id: string): Promise<void>;
  /** As if it had never been asked for: the file that it became goes, too, unless its work has begun. Idempotent. */
  undo(id: string): Promise<void>;
  /** Bytes in the channels of all. */
  bufferedBytes(): number;
  close(): void;
}
