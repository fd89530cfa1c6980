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
  /** Of a call without a job: no record tells of it. */
  readonly isOfCall?: boolean;
}

/** Moves a file that a worker wrote into the job's results, in place of what an earlier run left that died. No fsync yet. */
export async function storeOutput(storage: Storage, finished: FinishedOutput): Promise<BlobInfo> {
  try {
    return await store(storage, finished);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    await storage.delete(outputKey(finished));
    return await store(storage, finished);
  }
}

async function store(storage: Storage, { jobId, outDir, output, isOfCall }: FinishedOutput): Promise<BlobInfo> {
  if (basename(output.file) !== output.file)
    throw new AppError('internal', `an output is a name within outDir, not ${output.file}`);
  const path = join(outDir, output.file);
  const key = outputKey({ jobId, output });
  const { mediaType, sha256, name } = output;
  const meta = { mediaType, sha256, ...(name === undefined ? {} : { name }), ...(isOfCall ? { isOfCall } : {}) };
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

function outputKey({ jobId, output }: Pick<FinishedOutput, 'jobId' | 'output'>): string {
  return `results/${jobId}/${output.key}`;
}

/** For a job that ends without a result: what it had stored is of no use. */
export async function removeOutputs(storage: Storage, jobId: string): Promise<void> {
  for await (const { key } of storage.list(`results/${jobId}/`)) await storage.delete(key);
}
