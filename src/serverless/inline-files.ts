import { AppError } from '../core/errors.ts';
import type { OutputFile } from '../results/results.ts';

/** What one event's answer may have of files: platforms take a few megabytes. */
const MAX_BYTES = 64 * 2 ** 20;
const OUTPUT = /^(files|pages)\/\d+$/;

/** Puts the files that a result links to into it: each `url` of an output becomes `base64`. Error: `too_large`. */
export async function inlineFiles(result: unknown, open: (key: string) => Promise<OutputFile>): Promise<unknown> {
  let left = MAX_BYTES;

  async function walk(value: unknown): Promise<unknown> {
    if (Array.isArray(value)) return await inOrder(value, walk);
    if (typeof value !== 'object' || value === null) return value;
    const entries = await inOrder(Object.entries(value), async ([name, member]): Promise<[string, unknown]> => {
      const isOutput = name === 'url' && typeof member === 'string' && OUTPUT.test(member);
      return isOutput ? ['base64', await read(member)] : [name, await walk(member)];
    });
    return Object.fromEntries(entries);
  }

  async function read(key: string): Promise<string> {
    const output = await open(key);
    left -= output.info.size;
    if (left < 0) throw new AppError('too_large', `the files of the result have more than ${MAX_BYTES} bytes together`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of await output.open()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('base64');
  }

  return await walk(result);
}

async function inOrder<From, To>(items: readonly From[], act: (item: From) => Promise<To>): Promise<To[]> {
  const done: To[] = [];
  for (const item of items) done.push(await act(item));
  return done;
}
