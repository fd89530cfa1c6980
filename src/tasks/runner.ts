import { join } from 'node:path';
import { MAX_TIMER_MS } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Handler, Run } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import type { Unit, UnitFile, UnitKind, Workers } from '../workers/workers.ts';
import { holdFiles } from './held-files.ts';
import { createItemSink } from './item-sink.ts';
import { removeOutputs, storeOutput } from './outputs.ts';
import { unpackWork } from './packed-work.ts';
import type { Taps } from './taps.ts';
import type { Output, PartResult, SplitTask } from './task.ts';
import type { TaskEntry } from './task-entry.ts';
import { WorkFolder } from './work-folder.ts';

export interface RunnerOptions {
  readonly storage: Storage;
  /** Folder, on the storage's file system, for the folders of running jobs; emptied by whoever starts the process. */
  readonly workDir: string;
  /** Called before each run of a job begins, which waits for the promise. */
  readonly onBegin: (jobId: string, attempt: number) => Promise<void> | undefined;
  readonly taps: Taps;
  /** Seconds that one unit may take in its worker, for a part of a split task, such as one page. */
  readonly maxPartS: number;
  /** Parts of one job handed to the pool at a time. */
  readonly partsAhead: number;
  readonly log: Log;
}

interface Call {
  readonly run: Run;
  readonly entry: TaskEntry;
  readonly workers: Workers;
  readonly input: unknown;
  readonly files: readonly UnitFile[];
  readonly folder: WorkFolder;
}

/** Makes the handler that does a task's jobs: claims the files, runs the units in workers, stores the outputs. */
export function createRunner(options: RunnerOptions): (entry: TaskEntry, workers: Workers) => Handler {
  return (entry, workers) => async (run) => {
    const { input, fields } = unpackWork(run.job.input);
    await using held = await holdFiles(options.storage, run.job.files, fields);
    await using folder = new WorkFolder(join(options.workDir, `${run.job.id}-${run.job.attempt + 1}`), options.log);
    const call: Call = { run, entry, workers, input, files: held.files, folder };
    try {
      return 'plan' in entry.task ? await runSplit(options, call, entry.task) : await runSingle(options, call);
    } catch (error) {
      await removeOutputs(options.storage, run.job.id);
      throw error;
    }
  };
}

/** The result of a generator is the list of its items, or their count where its caller was sent them. */
async function runSingle(options: RunnerOptions, call: Call): Promise<unknown> {
  const { id } = call.run.job;
  const stored: Promise<void>[] = [];
  const failed = new AbortController();
  const sink = createItemSink(options.taps.find(id), call.run.signal);
  const signal = AbortSignal.any([call.run.signal, failed.signal]);
  try {
    const result = await runUnit(options, call, {
      ...{ kind: 'run', signal },
      onStream: sink.open,
      onOutput: (output) => void stored.push(storeAll(options, call, [output]).catch((error) => failed.abort(error))),
    });
    await Promise.all(stored);
    failed.signal.throwIfAborted();
    return sink.items ?? result;
  } catch (error) {
    await Promise.all(stored);
    throw sink.isRead ? notToBeRepeated(error) : error;
  } finally {
    sink.end();
  }
}

/** See retry.ts. */
function notToBeRepeated(error: unknown): AppError {
  const { code, message, extra } = toAppError(error);
  return new AppError(code, message, { extra: { ...extra, is_streamed: true }, cause: error });
}

async function storeAll(options: RunnerOptions, { run, folder }: Call, outputs: readonly Output[]): Promise<void> {
  for (const output of outputs) await storeOutput(options.storage, { jobId: run.job.id, outDir: folder.path, output });
}

interface UnitCall {
  readonly kind: UnitKind;
  readonly part?: unknown;
  readonly signal?: AbortSignal;
  readonly onStream?: () => (json: string) => Promise<void>;
  readonly onOutput?: (output: Output) => void;
}

async function runUnit({ onBegin, maxPartS }: RunnerOptions, call: Call, what: UnitCall): Promise<unknown> {
  const { run, entry, workers, input, files, folder } = call;
  const { kind, part, signal = run.signal, ...listeners } = what;
  const { id: jobId, createdAt } = run.job;
  const { task, moduleUrl, maxDeadlineS } = entry;
  const attempt = run.job.attempt + 1;
  const facts = { task: task.name, moduleUrl, kind, jobId, attempt, createdAt };
  const unit: Unit = { ...facts, input, part, files, outDir: folder.path };
  using limit = createUnitLimit(kind === 'part' ? Math.min(maxPartS, maxDeadlineS) : maxDeadlineS);
  let startedAt = Number.POSITIVE_INFINITY;
  using _spent = { [Symbol.dispose]: () => run.spent(Math.max(0, performance.now() - startedAt)) };
  return await workers.run(unit, {
    ...listeners,
    rank: run.job,
    signal: AbortSignal.any([signal, limit.signal]),
    onStart() {
      folder.enter(unit);
      startedAt = performance.now();
      limit.start();
      return run.start() ? onBegin(jobId, attempt) : undefined;
    },
    onFree: () => folder.leave(unit),
    ...(kind === 'run' ? { onProgress: run.progress } : {}),
  });
}

/** Bounds one unit's time in a worker, also where no caller waits any more. */
function createUnitLimit(maxUnitS: number): Disposable & { readonly signal: AbortSignal; start(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const stop = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    start() {
      stop();
      const reason = new AppError('deadline_exceeded', `one step of the job took longer than ${maxUnitS} s`);
      timer = setTimeout(() => controller.abort(reason), Math.min(maxUnitS * 1000, MAX_TIMER_MS));
    },
    [Symbol.dispose]: stop,
  };
}

/** Plans, then keeps `partsAhead` parts in the pool until all are done; the first failure stops the others. */
async function runSplit(options: RunnerOptions, call: Call, task: SplitTask): Promise<unknown> {
  const parts = (await runUnit(options, call, { kind: 'plan' })) as readonly unknown[];
  const results: unknown[] = [];
  const others = new AbortController();
  const signal = AbortSignal.any([call.run.signal, others.signal]);
  const queue = parts.entries();
  let done = 0;

  async function worker(): Promise<void> {
    for (const [index, part] of queue) {
      const { value, outputs } = (await runUnit(options, call, { kind: 'part', part, signal })) as PartResult<unknown>;
      await storeAll(options, call, outputs);
      signal.throwIfAborted();
      results[index] = value;
      done += 1;
      call.run.part(index, { value, outputs: outputs.map(({ key }) => key) });
      call.run.progress(done / parts.length, `${done} of ${parts.length}`);
    }
  }

  const workers = Array.from({ length: Math.min(options.partsAhead, parts.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    others.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
  return task.combine(results);
}
