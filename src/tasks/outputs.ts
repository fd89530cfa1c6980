import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type BlobInfo, canAdopt, type Storage } from '../storage/storage.ts';
import type { Output } from './task.ts';

const READ_BYTES = 256 * 1024;

export interface FinishedOutput {
  readonly jobId: string;
  readonly outDir: string;
  readonly output: Output;
  /** An earlier run, which died, may have stored it. */
  readonly isRepeated: boolean;
}

/** Moves a file that a worker wrote into the job's results. The results can be computed again, so no fsync. */
export async function storeOutput(
  storage: Storage,
  { jobId, outDir, output, isRepeated }: FinishedOutput,
): Promise<BlobInfo> {
  if (basename(output.file) !== output.file)
    throw new AppError('internal', `an output is a name within outDir, not ${output.file}`);
  const path = join(outDir, output.file);
  const key = `results/${jobId}/${output.key}`;
  if (isRepeated) await storage.delete(key);
  const { mediaType, sha256, name } = output;
  const meta = { mediaType, sha256, ...(name === undefined ? {} : { name }) };
  if (canAdopt(storage)) return storage.adopt(key, path, meta, { durable: false });
  const sink = await storage.create(key, { durable: false });
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) await sink.write([chunk]);
    return await sink.commit(meta);
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** For a job that ends without a result: what it had stored is of no use. */
export async function removeOutputs(storage: Storage, jobId: string): Promise<void> {
  for await (const { key } of storage.list(`results/${jobId}/`)) await storage.delete(key);
}
