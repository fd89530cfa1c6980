import type { RasterDocument, RasterEngine } from './raster.ts';

/** An unused document is closed after this, so that an idle worker gives its memory back. */
const IDLE_MS = 5000;

interface Held {
  readonly document: RasterDocument;
  readonly lent: RasterDocument;
}

/**
 * Keeps the last document of a thread open between the parts of a job, so that a 17-page document is parsed once a
 * worker and not 17 times. Parts of a thread run one after the other; what a part has opened stays open until it is over.
 */
export class DocumentCache {
  readonly #engine: RasterEngine;
  readonly #open = new Map<string, Held>();
  /** Keys that this part has asked for, the last one last. */
  readonly #used = new Set<string>();
  #idle: NodeJS.Timeout | undefined;

  constructor(engine: RasterEngine) {
    this.#engine = engine;
  }

  /** As RasterEngine.open; the cache closes what it gives, a `close` from elsewhere has no effect. */
  async open(path: string, options: { password?: string }): Promise<RasterDocument> {
    clearTimeout(this.#idle);
    const key = JSON.stringify([path, options.password]);
    this.#used.delete(key);
    this.#used.add(key);
    const known = this.#open.get(key);
    if (known) return known.lent;
    await this.#closeAllBut(this.#used);
    const document = await this.#engine.open(path, options);
    const held = { document, lent: lend(document) };
    this.#open.set(key, held);
    return held.lent;
  }

  /** The part is over: its last document is closed in a while, unless the next one opens it again; the others at once. */
  rest(): void {
    const last = [...this.#used].at(-1);
    this.#used.clear();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
    if (this.#open.size > 1) void this.#closeAllBut(new Set(last === undefined ? [] : [last]));
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#closeAllBut(new Set());
  }

  async #closeAllBut(kept: ReadonlySet<string>): Promise<void> {
    const closed = [...this.#open].filter(([key]) => !kept.has(key));
    for (const [key] of closed) this.#open.delete(key);
    for (const [, { document }] of closed) await document.close();
  }
}

function lend(document: RasterDocument): RasterDocument {
  return {
    pageCount: document.pageCount,
    pageSize: (page) => document.pageSize(page),
    render: (page, options) => document.render(page, options),
    text: (page) => document.text(page),
    close: async () => undefined,
  };
}
