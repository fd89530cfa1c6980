import type { RasterDocument, RasterEngine } from './raster.ts';

/** An unused document is closed after this, so that an idle worker gives its memory back. */
const IDLE_MS = 5000;

interface Held {
  readonly key: string;
  readonly document: RasterDocument;
}

/**
 * Keeps the last document of a thread open between the parts of a job, so that a 17-page document is parsed once a
 * worker and not 17 times. Parts of a thread run one after the other: whoever opens gets the document to itself.
 */
export class DocumentCache {
  readonly #engine: RasterEngine;
  #held: Held | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(engine: RasterEngine) {
    this.#engine = engine;
  }

  /** As RasterEngine.open; `close` of what it gives is the cache's business. */
  async open(path: string, options: { password?: string }): Promise<RasterDocument> {
    clearTimeout(this.#idle);
    const key = JSON.stringify([path, options.password]);
    if (this.#held?.key !== key) {
      await this.close();
      this.#held = { key, document: await this.#engine.open(path, options) };
    }
    return this.#held.document;
  }

  /** The part is over: its document is closed in a while, unless the next one opens it again. */
  rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const held = this.#held;
    this.#held = undefined;
    await held?.document.close();
  }
}
