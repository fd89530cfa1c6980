import type { JobJson } from '../api.ts';
import type { JobEvent, PageJson } from './follow.ts';
import type { UploadProgress } from './upload.ts';

/** What happens to a run, in the order in which a watcher learns of it. */
export type RunEvent = { readonly type: 'upload'; readonly upload: UploadProgress } | JobEvent;

/** What is told of a run, kept for whoever watches it. */
export interface Watched {
  tell(event: RunEvent): void;
  end(): void;
  fail(error: unknown): void;
  /** The job as it was told last. */
  last(): JobJson | undefined;
  events(): AsyncGenerator<RunEvent>;
  pages(outcome: () => Promise<unknown>): AsyncGenerator<PageJson>;
}

/** Keeps what was told for watchers at any speed: all pages, and of everything else the newest. */
export function createWatched(onEvent: ((event: RunEvent) => void) | undefined): Watched {
  const pages: PageJson[] = [];
  const seen = new Set<string>();
  let newest: Exclude<RunEvent, { type: 'page' }> | undefined;
  let isEnded = false;
  let failure: { readonly error: unknown } | undefined;
  let changed = Promise.withResolvers<void>();

  function wake(): void {
    const { resolve } = changed;
    changed = Promise.withResolvers();
    resolve();
  }

  function tell(event: RunEvent): void {
    if (event.type === 'page') {
      // A job that is done again after a crash of the server tells its pages again.
      const key = event.page.url ?? JSON.stringify(event.page);
      if (seen.has(key)) return;
      seen.add(key);
      pages.push(event.page);
    } else newest = event;
    onEvent?.(event);
    wake();
  }

  function end(): void {
    isEnded = true;
    wake();
  }

  async function* events(): AsyncGenerator<RunEvent> {
    let told: RunEvent | undefined;
    for (let index = 0; ; ) {
      const next = changed.promise;
      for (; index < pages.length; index++) yield { type: 'page', page: pages[index] as PageJson };
      if (failure) throw failure.error;
      if (newest && newest !== told) {
        told = newest;
        yield newest;
      } else if (isEnded) return;
      else await next;
    }
  }

  async function* eachPage(outcome: () => Promise<unknown>): AsyncGenerator<PageJson> {
    for await (const event of events()) if (event.type === 'page') yield event.page;
    await outcome();
  }

  return {
    tell,
    end,
    fail(error) {
      failure = { error };
      end();
    },
    last: () => (newest?.type === 'upload' ? undefined : newest?.job),
    events,
    pages: eachPage,
  };
}
