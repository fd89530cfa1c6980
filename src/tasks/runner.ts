import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Handler, Run } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import type { Unit, UnitFile, UnitKind, Workers } from '../workers/workers.ts';
import { removeOutputs, storeOutput } from './outputs.ts';
import type { Output, PartResult, SplitTask, Task } from './task.ts';

/** A task and the module that a worker loads it from. */
export interface LoadedTask {
  readonly task: Task;
  readonly moduleUrl: string;
}

export interface RunnerOptions {
  readonly workers: Workers;
  readonly storage: Storage;
  /** Folder, on the storage's file system, for the outputs of running jobs; emptied by whoever starts the process. */
  readonly workDir: string;
  /** Called before each run of a job begins, which waits for the promise. */
  readonly onBegin: (jobId: string, attempt: number) => Promise<void> | undefined;
  /** Seconds that one unit may take in its worker. */
  readonly maxUnitS: number;
  /** The same for a part of a split task, such as one page. */
  readonly maxPartS: number;
  /** Parts of one job handed to the pool at a time. */
  readonly partsAhead: number;
}

interface Call {
  readonly run: Run;
  readonly loaded: LoadedTask;
  readonly files: readonly UnitFile[];
  readonly outDir: string;
}

/** Makes the handler that does a task's jobs: claims the files, runs the units in workers, stores the outputs. */
export function createRunner(options: RunnerOptions): (loaded: LoadedTask) => Handler {
  return (loaded) => async (run) => {
    await using held = await holdFiles(options.storage, run.job.files);
    const outDir = join(options.workDir, run.job.id);
    await mkdir(outDir, { recursive: true });
    try {
      const call: Call = { run, loaded, files: held.files, outDir };
      const { task } = loaded;
      return 'run' in task ? await runUnit(options, call, { kind: 'run' }) : await runSplit(options, call, task);
    } catch (error) {
      await removeOutputs(options.storage, run.job.id);
      throw error;
    } finally {
      await rm(outDir, { recursive: true, force: true });
    }
  };
}

/** Local paths of the stored files, held until disposed. */
async function holdFiles(storage: Storage, ids: readonly string[]): Promise<AsyncDisposable & { files: UnitFile[] }> {
  const held = new AsyncDisposableStack();
  try {
    const files: UnitFile[] = [];
    for (const id of ids) {
      const key = `files/${id}`;
      const info = await storage.stat(key);
      const { path, release } = await storage.materialize(key);
      held.defer(release);
      const { name, sha256, mediaType } = info?.meta ?? {};
      files.push({
        id,
        path,
        size: info?.size ?? 0,
        name: String(name),
        sha256: String(sha256),
        mediaType: String(mediaType),
      });
    }
    return { files, [Symbol.asyncDispose]: () => held.disposeAsync() };
  } catch (error) {
    await held.disposeAsync();
    throw error;
  }
}

async function runUnit(
  { workers, onBegin, maxUnitS, maxPartS }: RunnerOptions,
  call: Call,
  what: { kind: UnitKind; part?: unknown; signal?: AbortSignal },
): Promise<unknown> {
  const { run, loaded, files, outDir } = call;
  const unit: Unit = {
    task: loaded.task.name,
    moduleUrl: loaded.moduleUrl,
    kind: what.kind,
    jobId: run.job.id,
    attempt: run.job.attempt + 1,
    input: run.job.input,
    part: what.part,
    files,
    outDir,
  };
  const onProgress = what.kind === 'run' ? run.progress : undefined;
  using limit = createUnitLimit(what.kind === 'part' ? Math.min(maxPartS, maxUnitS) : maxUnitS);
  let startedAt = Number.POSITIVE_INFINITY;
  using _spent = { [Symbol.dispose]: () => run.spent(Math.max(0, performance.now() - startedAt)) };
  return await workers.run(unit, {
    rank: run.job,
    signal: AbortSignal.any([what.signal ?? run.signal, limit.signal]),
    onStart() {
      startedAt = performance.now();
      limit.start();
      return run.start() ? onBegin(run.job.id, unit.attempt) : undefined;
    },
    ...(onProgress ? { onProgress } : {}),
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
      timer = setTimeout(() => controller.abort(reason), maxUnitS * 1000);
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
      await storeAll(outputs);
      signal.throwIfAborted();
      results[index] = value;
      done += 1;
      call.run.part(index, { value, outputs: outputs.map(({ key }) => key) });
      call.run.progress(done / parts.length, `${done} of ${parts.length}`);
    }
  }

  async function storeAll(outputs: readonly Output[]): Promise<void> {
    const { id: jobId, attempt } = call.run.job;
    for (const output of outputs)
      await storeOutput(options.storage, { jobId, outDir: call.outDir, output, isRepeated: attempt > 0 });
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
