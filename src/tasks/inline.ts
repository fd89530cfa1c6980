import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeadline, raceSignal } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';
import type { NewId } from '../core/ids.ts';
import { createLazyFolder } from '../core/lazy-folder.ts';
import type { Log } from '../core/log.ts';
import { ownerOf } from '../core/owner.ts';
import type { Storage } from '../storage/storage.ts';
import {
  asItemSource,
  checkResult,
  createResultFiles,
  encodeResult,
  fromWireError,
  openFiles,
  toWireError,
} from '../workers/workers.ts';
import { holdFiles } from './held-files.ts';
import { removeOutputs, storeOutput } from './outputs.ts';
import type { InlineContext, InlineJobs, InlineTask, Output } from './task.ts';
import type { TaskEntry } from './task-entry.ts';

export interface InlineOptions {
  readonly storage: Storage;
  readonly workDir: string;
  readonly sharedDir: string;
  readonly log: Log;
  readonly newId: NewId;
}

export interface CallInline {
  readonly entry: TaskEntry;
  readonly input: unknown;
  readonly files: readonly { readonly field: string; readonly file: { readonly id: string } }[];
  /** Jobs that end with the call: the signal tells when. */
  readonly jobs: (signal: AbortSignal) => InlineJobs;
  /** Whose the results are. */
  readonly caller?: string | undefined;
  readonly signal: AbortSignal;
}

export interface InlineAnswer {
  /** Names the call in links of its results. */
  readonly id: string;
  /** As JSON: the result, or the items of a generator, which runs while they are asked for. */
  readonly result: string | AsyncIterable<string>;
}

/** Runs the tasks that say `runs: 'inline'`: in this process, without queue and job. */
export interface InlineCalls {
  /** Errors: whatever AppError the function threw, `internal` (anything else), `deadline_exceeded`, the signal's reason. */
  call(call: CallInline): Promise<InlineAnswer>;
}

export function createInlineCalls({ storage, workDir, sharedDir, log, newId }: InlineOptions): InlineCalls {
  async function call({ entry, input, files, jobs, caller, signal }: CallInline): Promise<InlineAnswer> {
    const id = newId(ownerOf(caller));
    const task = entry.task as InlineTask;
    const scratch = createLazyFolder(join(workDir, id));
    const closing = new AsyncDisposableStack();
    let isLeft = false;
    try {
      const limit = closing.use(createDeadline({ ms: entry.deadlineS * 1000, parents: [signal] }));
      const ids = files.map(({ file }) => file.id);
      const held = closing.use(
        await holdFiles(
          storage,
          ids,
          files.map(({ field }) => field),
        ),
      );
      closing.defer(async () => {
        scratch.close();
        if (scratch.isMade) await rm(scratch.path, { recursive: true, force: true });
      });
      const outputs: Output[] = [];
      const storeOutputs = async () => {
        for (const output of outputs.splice(0))
          await storeOutput(storage, { jobId: id, outDir: scratch.path, output, isOfCall: true });
      };
      const context: InlineContext = {
        ...{ jobId: id, createdAt: Date.now(), sharedDir, jobs: jobs(limit.signal), signal: limit.signal },
        log: log.child({ task: task.name }),
        files: openFiles(task.files ?? {}, held.files),
        file: createResultFiles(scratch, (output) => outputs.push(output)),
        get scratchDir() {
          return scratch.path;
        },
      };
      const returned = await raceSignal(perform(task, input, context), limit.signal);
      const source = asItemSource(returned);
      if (source) {
        isLeft = true;
        return { id, result: encodeItems(source, { task, signal: limit.signal, log, closing, storeOutputs }) };
      }
      const json = encodeResult(await checkResult(returned, task), task.name);
      await storeOutputs().catch(async (error: unknown) => {
        await removeOutputs(storage, id);
        throw error;
      });
      return { id, result: json };
    } catch (error) {
      throw describe(error, task.name, log);
    } finally {
      if (!isLeft) await closing.disposeAsync();
    }
  }

  return { call };
}

async function perform(task: InlineTask, input: unknown, context: InlineContext): Promise<unknown> {
  return await task.run(input as never, context);
}

interface Encoding {
  readonly task: InlineTask;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly closing: AsyncDisposableStack;
  /** Of the files that an item may link to. */
  readonly storeOutputs: () => Promise<void>;
}

async function* encodeItems(
  source: Iterator<unknown> | AsyncIterator<unknown>,
  { task, signal, log, closing, storeOutputs }: Encoding,
): AsyncGenerator<string> {
  try {
    for (;;) {
      const item = await raceSignal(Promise.resolve(source.next()), signal);
      if (item.done) return;
      const json = encodeResult(item.value, task.name);
      await storeOutputs();
      yield json;
    }
  } catch (error) {
    throw describe(error, task.name, log);
  } finally {
    void endSource(source).catch((err) => log.warn({ task: task.name, err }, 'a generator did not end well'));
    await closing.disposeAsync();
  }
}

/** Not waited for: the generator may be in the midst of something long. */
async function endSource(source: Iterator<unknown> | AsyncIterator<unknown>): Promise<void> {
  await source.return?.();
}

/** An AppError as it is; anything else is the task's own bug, and the log says where. */
function describe(error: unknown, task: string, log: Log): AppError {
  if (error instanceof AppError) return error;
  const wire = toWireError(error, task);
  log.warn({ task, stack: wire.stack }, wire.message);
  return fromWireError(wire);
}
