import { basename } from 'node:path';
import { makeZip } from 'client-zip';
import type { JobJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import type { Feed, FeedEvent } from './feed.ts';
import { fileNameOf, type OutputFile } from './output.ts';

interface Entry {
  readonly name: string;
  readonly input: AsyncIterable<Uint8Array> | string;
  readonly size?: number;
  readonly lastModified: Date;
}

export interface ArchiveOptions {
  readonly feed: Feed;
  readonly output: (jobId: string, key: string) => Promise<OutputFile>;
  /** Keys of all that is stored of a job. */
  readonly outputs: (jobId: string) => AsyncIterable<string>;
}

/**
 * A job's outputs as they are finished, then `result.json`, as a zip that is made as it is read: one output at a time is
 * open. Nothing is compressed, since images are. Rejects when the job ends without a result.
 */
export async function archiveJob(
  { feed, output, outputs }: ArchiveOptions,
  jobId: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const events = await feed.follow(jobId, undefined, signal);
  if (!events) throw new AppError('internal', `job ${jobId} has no events`);

  /** A task may give two files the same name. */
  const names = new Set(['result.json']);
  function unique(name: string): string {
    let free = name;
    for (let count = 2; names.has(free); count++) free = `${count}-${name}`;
    names.add(free);
    return free;
  }

  async function toEntry(key: string): Promise<Entry> {
    const { info, open } = await output(jobId, key);
    const mediaType = String(info.meta.mediaType);
    const { name = fileNameOf(key, mediaType) } = info.meta as { readonly name?: string };
    // A task may say any name, and some programs that unpack would follow a path in it.
    return {
      name: unique(basename(name.replaceAll('\\', '/')) || fileNameOf(key, mediaType)),
      input: await open(),
      size: info.size,
      lastModified: new Date(),
    };
  }

  async function* entries(source: AsyncIterable<FeedEvent>): AsyncGenerator<Entry> {
    for await (const found of contents(source, () => outputs(jobId))) {
      if ('key' in found) yield await toEntry(found.key);
      else yield { name: 'result.json', input: JSON.stringify(found.result, null, 2), lastModified: new Date() };
    }
  }

  return begun(makeZip(entries(events)));
}

/** The same once its first chunk is there: what fails before is thrown, and can be answered. */
async function begun(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await iterator.next();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const chunk = first ?? (await iterator.next());
        first = undefined;
        return chunk;
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

type Found = { readonly key: string } | { readonly result: unknown };

/** Outputs as they come, then those that are no parts of the job (files that a task gives back), and the result. */
async function* contents(events: AsyncIterable<FeedEvent>, all: () => AsyncIterable<string>): AsyncGenerator<Found> {
  const parts = new Set<string>();
  for await (const event of events) {
    for (const key of event.type === 'part' ? event.outputs : []) {
      parts.add(key);
      yield { key };
    }
    if (event.type !== 'done') continue;
    const result = resultOf(event.job);
    for await (const key of all()) if (!parts.has(key)) yield { key };
    yield { result };
  }
}

/** Error: `conflict`. */
function resultOf({ id, status, result, error }: JobJson): unknown {
  if (status !== 'succeeded') throw new AppError('conflict', error?.detail ?? `job ${id} is ${status}`);
  return result;
}
