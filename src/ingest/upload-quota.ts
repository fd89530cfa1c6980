import { AppError } from '../core/errors.ts';

/** Uploads end when their clients are done, which may take long: told to a caller that has too many. */
const RETRY_AFTER_S = 60;

/** Counts each caller's uploads that are not finished. */
export class OpenUploads {
  readonly #max: number;
  readonly #callers = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  constructor(maxPerCaller: number) {
    this.#max = maxPerCaller;
  }

  /** Counts one more. Error: `too_many_uploads`. */
  claim(id: string, caller: string): void {
    if ((this.#counts.get(caller) ?? 0) >= this.#max) {
      const detail = `${this.#max} of your uploads are not finished, as many as one caller may have: finish or DELETE some first`;
      throw new AppError('too_many_uploads', detail, { retryAfterS: RETRY_AFTER_S });
    }
    this.add(id, caller);
  }

  /** One that is there already, whatever the limit. */
  add(id: string, caller: string): void {
    this.delete(id);
    this.#callers.set(id, caller);
    this.#counts.set(caller, (this.#counts.get(caller) ?? 0) + 1);
  }

  /** Idempotent. */
  delete(id: string): void {
    const caller = this.#callers.get(id);
    if (caller === undefined) return;
    this.#callers.delete(id);
    const left = (this.#counts.get(caller) ?? 1) - 1;
    if (left > 0) this.#counts.set(caller, left);
    else this.#counts.delete(caller);
  }
}
