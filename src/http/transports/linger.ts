/** How much of a body is thrown away, at most, so that its sender gets to read an answer that came early. */
export const LINGER_MAX_BYTES = 256 * 2 ** 20;
export const LINGER_MAX_MS = 30_000;
/** A client that neither sends nor closes any more has had its time to read what it was sent. */
export const LINGER_SILENCE_MS = 5_000;
/** The same where a part of the answer is still held back and the client may be waiting for it. */
export const HELD_SILENCE_MS = 1_000;

/** The time between an early answer and the end of its connection; `onOver` is called once, unless `stop` comes first. */
export class Linger {
  readonly #onOver: () => void;
  readonly #silence: NodeJS.Timeout;
  readonly #limit: NodeJS.Timeout;
  #bytes = 0;
  #hasSent = false;
  #isOver = false;

  constructor(silenceMs: number, onOver: () => void) {
    this.#onOver = onOver;
    this.#silence = setInterval(() => this.#checkSilence(), silenceMs);
    this.#limit = setTimeout(() => this.finish(), LINGER_MAX_MS);
  }

  /** The client sent on. */
  count(bytes: number): void {
    this.#bytes += bytes;
    this.#hasSent = true;
    if (this.#bytes > LINGER_MAX_BYTES) this.finish();
  }

  /** The body came to its end, or a bound was passed. */
  finish(): void {
    if (this.#isOver) return;
    this.stop();
    this.#onOver();
  }

  /** The connection is gone by itself. */
  stop(): void {
    this.#isOver = true;
    clearInterval(this.#silence);
    clearTimeout(this.#limit);
  }

  #checkSilence(): void {
    if (this.#hasSent) this.#hasSent = false;
    else this.finish();
  }
}
