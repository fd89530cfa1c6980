/** Reading of one socket as the parser offers it: `start` is only called after `stop`, and the other way round. */
export interface SocketReads {
  stop(): void;
  start(): void;
}

/** What looks at a paused socket may bring in until it is resumed; a sender that still fills it is evidently there. */
const LOOK_MAX_BYTES = 256 * 1024;

/**
 * Pauses and resumes a socket. A paused socket tells nothing, not even that its peer is gone; so `look`, called every few
 * seconds, reads for one turn of the event loop.
 */
export class ReadGate {
  readonly #reads: SocketReads;
  #isPaused = false;
  #isLooking = false;
  #isOpenForGood = false;
  #lookedBytes = 0;
  /** A pause shorter than the time between two looks needs none. */
  #isLongPause = false;

  constructor(reads: SocketReads) {
    this.#reads = reads;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    if (this.#isPaused || this.#isOpenForGood) return;
    this.#isPaused = true;
    this.#lookedBytes = 0;
    this.#isLongPause = false;
    if (!this.#isLooking) this.#reads.stop();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isLooking) this.#reads.start();
  }

  /** Reads on, and ignores later pauses. */
  open(): void {
    this.resume();
    this.#isOpenForGood = true;
  }

  /** The socket is gone: it must not be touched any more. */
  release(): void {
    this.#isPaused = false;
    this.#isLooking = true;
    this.#isOpenForGood = true;
  }

  /** Tells what came in. It answers a look, which must end at once: Node reads up to 2 MB in one turn of the event loop. */
  count(bytes: number): void {
    if (!this.#isPaused || !this.#isLooking || bytes === 0) return;
    this.#lookedBytes += bytes;
    this.#endLook();
  }

  look(): void {
    if (!this.#isPaused || this.#isLooking || this.#lookedBytes > LOOK_MAX_BYTES) return;
    if (!this.#isLongPause) {
      this.#isLongPause = true;
      return;
    }
    this.#isLooking = true;
    this.#reads.start();
    // Immediates run after the poll phase: after the second one, events that were waiting have been told.
    setImmediate(() => setImmediate(() => this.#endLook()));
  }

  #endLook(): void {
    if (this.#isOpenForGood || !this.#isLooking) return;
    this.#isLooking = false;
    if (this.#isPaused) this.#reads.stop();
  }
}
