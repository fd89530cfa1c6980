import { makeZip } from 'client-zip';
import { AppError } from '../core/errors.ts';
import type { Feed } from './feed.ts';
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
}

/**
 * A job's outputs as they are finished, then `result.json`, as a zip that is made as it is read: one output at a time is
 * open. Nothing is compressed, since images are. Rejects when the job ends without a result.
 */
export async function archiveJob(
  { feed, output }: ArchiveOptions,
  jobId: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const events = await feed.follow(jobId, undefined, signal);
  if (!events) throw new AppError('internal', `job ${jobId} has no events`);

  async function* entries(source: NonNullable<typeof events>): AsyncGenerator<Entry> {
    for await (const event of source) {
      if (event.type === 'part') {
        for (const key of event.outputs) yield await toEntry(key);
      } else if (event.type === 'done') {
        const { status, result, error } = event.job;
        if (status !== 'succeeded') throw new AppError('conflict', error?.detail ?? `job ${jobId} is ${status}`);
        yield { name: 'result.json', input: JSON.stringify(result, null, 2), lastModified: new Date() };
      }
    }
  }

  async function toEntry(key: string): Promise<Entry> {
    const { info, open } = await output(jobId, key);
    const mediaType = String(info.meta.mediaType);
    return { name: fileNameOf(key, mediaType), input: await open(), size: info.size, lastModified: new Date() };
  }

  return makeZip(entries(events));
}
