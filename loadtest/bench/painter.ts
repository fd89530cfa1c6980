import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a painter process is asked: one page of one document, its pixels written to a file as they are (RGBA). */
export interface PaintOrder {
  readonly path: string;
  readonly page: number;
  readonly scale: number;
  readonly into: string;
}

/** What it answers. */
export type Painted =
  | {
      readonly type: 'drawn';
      readonly width: number;
      readonly height: number;
      readonly isBlank: boolean;
      readonly engine: string;
    }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'hung' }
  | { readonly type: 'crashed'; readonly reason: string };

/** One engine in a process of its own, which is replaced when it hangs or dies. */
export interface Painter {
  readonly name: string;
  /** Seconds are counted from the outside. */
  paint(order: PaintOrder, limitMs: number): Promise<Painted & { readonly seconds: number }>;
  stop(): void;
}

const ENTRY = fileURLToPath(new URL('./page-painter.ts', import.meta.url));

/** `name`: auto, pdfium or pdfjs. */
export function startPainter(name: string): Painter {
  let child: ChildProcess | undefined;
  const stop = () => {
    child?.kill('SIGKILL');
    child = undefined;
  };
  return {
    name,
    stop,
    async paint(order, limitMs) {
      child ??= fork(ENTRY, [name], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      const start = performance.now();
      const painted = await ask(child, order, limitMs);
      if (painted.type === 'hung' || painted.type === 'crashed') stop();
      return { ...painted, seconds: (performance.now() - start) / 1000 };
    },
  };
}

async function ask(child: ChildProcess, order: PaintOrder, limitMs: number): Promise<Painted> {
  const over = new AbortController();
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([over.signal, limit]);
  const answered = once(child, 'message', { signal }).then(([message]): Painted => message);
  const died = once(child, 'exit', { signal }).then(
    ([code, name]): Painted => ({ type: 'crashed', reason: String(name ?? code) }),
  );
  // Whichever comes second is rejected by `over`, and nobody waits for it any more.
  const first = Promise.race([answered, died]);
  void Promise.allSettled([answered, died]);
  child.send(order);
  try {
    return await first;
  } catch (error) {
    if (limit.aborted) return { type: 'hung' };
    throw error;
  } finally {
    over.abort();
  }
}
