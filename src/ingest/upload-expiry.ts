import type { Log } from '../core/log.ts';
import { findSound, isUnfinished, type UploadEntry, type UploadRecords } from './upload-record.ts';

const EVERY_MS = 60_000;
/** How long partial uploads outlive the upload that was joined from them: its creation may have to be asked for again. */
const JOINED_PARTS_S = 600;

export interface UploadExpiryOptions {
  readonly records: UploadRecords;
  readonly log: Log;
  /** Seconds after the last growth. */
  readonly retentionS: number;
  readonly isHeld: (id: string) => boolean;
  readonly drop: (id: string) => Promise<void>;
  /** Goes on with an upload whose bytes are all here but that is not finished. */
  readonly settle: (id: string) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Removes uploads that nobody goes on with, and finishes those that only wait for the server. */
export class UploadExpiry {
  readonly #options: UploadExpiryOptions;
  readonly #now: () => number;
  /** Of parts that were joined: when they go, at the latest. */
  readonly #dropAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: UploadExpiryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Sweeps now and each minute. */
  start(): void {
    const { log, retentionS } = this.#options;
    const failed = (error: unknown) => log.error({ err: error }, 'expired uploads could not be looked for');
    const next = () => {
      this.#sweeping = this.#sweeping.then(() => this.sweep()).catch(failed);
    };
    const everyMs = Math.min(EVERY_MS, Math.max(1000, retentionS * 500));
    this.#timer = setInterval(next, everyMs).unref();
    next();
  }

  expiresAt(changedAt: number): number {
    return changedAt + this.#options.retentionS * 1000;
  }

  isExpired({ id, changedAt }: UploadEntry): boolean {
    return this.#now() >= Math.min(this.expiresAt(changedAt), this.#dropAt.get(id) ?? Number.POSITIVE_INFINITY);
  }

  dropSoon(ids: readonly string[]): void {
    for (const id of ids) this.#dropAt.set(id, this.#now() + JOINED_PARTS_S * 1000);
  }

  /** It is gone. */
  forget(id: string): void {
    this.#dropAt.delete(id);
  }

  /** One upload that fails is logged, and tried again the next time. */
  async sweep(): Promise<void> {
    const { records, log } = this.#options;
    for await (const id of records.list()) {
      try {
        await this.#sweepOne(id);
      } catch (error) {
        log.warn({ err: error, upload: id }, 'an upload could not be removed or finished yet');
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sweepOne(id: string): Promise<void> {
    const { records, isHeld, drop, settle, log } = this.#options;
    if (isHeld(id)) return;
    const entry = await findSound(records, id, log);
    if (!entry || this.isExpired(entry)) {
      await drop(id);
      log.debug({ upload: id }, 'an expired upload was removed');
    } else if (isUnfinished(entry)) {
      await settle(id);
    }
  }
}
