import { flushCompileCache } from 'node:module';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import { createLazyFolder } from '../core/lazy-folder.ts';
import { ItemPump } from './items.ts';
import { createProgress, type SendProgress } from './progress.ts';
import {
  type FromWorker,
  type LogLevel,
  NICENESS,
  type ToWorker,
  type Unit,
  type WireError,
  type WorkerSettings,
} from './protocol.ts';
import { createRaster } from './raster-supply.ts';
import { installSelfImport } from './self-import.ts';
import { type CallTools, callTask } from './task-call.ts';
import { createResultFiles } from './task-files.ts';
import { createUnitLog, type UnitLog } from './unit-log.ts';
import { toWireError } from './wire-error.ts';

/** After so long without a unit a new thread loads the engine, so that the next drawing need not wait for that. */
const WARM_UP_MS = 2500;

type Settled = { type: 'done'; json: string } | { type: 'failed'; error: WireError };

/** The thread's entry: one unit at a time, each answered by `done` or `failed`. */
function main(): void {
  if (parentPort === null) throw new Error('thread.ts is started by a worker link, never by itself');
  const port = parentPort;
  setPriority(NICENESS);
  installSelfImport();
  refuseExit();
  const settings: WorkerSettings = workerData;
  const send = (message: FromWorker) => port.postMessage(message);
  let unitLog = createUnitLog(settings.log, {}, send);
  const raster = createRaster({
    settings,
    log: () => unitLog.log,
    onNative: (isLoaded) => send({ type: 'native', isLoaded }),
    onCompiled: (compiled) => send({ type: 'compiled', compiled }),
  });
  let running: { readonly unitId: number; readonly stop: AbortController; readonly items: ItemPump } | undefined;

  const run = async (unitId: number, unit: Unit) => {
    const stop = new AbortController();
    const items = new ItemPump();
    running = { unitId, stop, items };
    const { jobId } = unit;
    unitLog = createUnitLog(settings.log, { task: unit.task, job_id: jobId }, send);
    const { log, end } = unitLog;
    const sendProgress: SendProgress = (fraction, message) => send({ type: 'progress', unitId, fraction, message });
    const progress = createProgress(sendProgress, performance.now.bind(performance));
    const scratch = createLazyFolder(unit.outDir);
    const file = createResultFiles(scratch, (output) => send({ type: 'output', unitId, output }));
    const { sharedDir } = settings;
    const context = { signal: stop.signal, log, sharedDir, file, progress: progress.report, raster: raster.tools };
    raster.begin(unit.isCareful ?? false);
    const settled = await settle(unit, { context, scratch, items, send: (message) => send({ ...message, unitId }) });
    scratch.close();
    raster.rest();
    progress.end();
    end();
    running = undefined;
    send({ ...settled, unitId });
  };

  capturePrints(() => unitLog);
  port.on('message', (message: ToWorker) => {
    if (message.type === 'run') void run(message.unitId, message.unit);
    else if (running?.unitId !== message.unitId) return;
    else if (message.type === 'taken') running.items.taken(message.items, message.bytes);
    else running.stop.abort(new AppError('cancelled', 'the job was stopped'));
  });
  const warmUp = async () => {
    try {
      await raster.warmUp();
    } catch (err) {
      unitLog.log.warn({ err }, 'the raster engine cannot be loaded');
    }
    // Its end, by a signal that nothing survives, would be too late (NODE_COMPILE_CACHE, see process-link.ts).
    flushCompileCache();
  };
  setTimeout(() => {
    if (!running) void warmUp();
  }, WARM_UP_MS);
  send({ type: 'ready' });
}

async function settle(unit: Unit, tools: CallTools): Promise<Settled> {
  try {
    return { type: 'done', json: await callTask(unit, tools) };
  } catch (error) {
    return { type: 'failed', error: toWireError(error, unit.task) };
  }
}

/** Ending the thread would cost a new one and say nothing of the line that did it. Node itself may: after what nothing caught. */
function refuseExit(): void {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const error = new Error(`it called process.exit(${code ?? ''})`);
    if (error.stack?.split('\n')[2]?.includes('node:internal/')) return exit(code);
    throw error;
  };
}

/** What tasks and their libraries print goes into the log, within the unit's bound, instead of the host's pipe. */
function capturePrints(current: () => UnitLog): void {
  const capture = (stream: NodeJS.WriteStream, level: LogLevel) => {
    stream.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
      current().print(level, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      const done = rest.find((argument) => typeof argument === 'function');
      if (done) process.nextTick(done);
      return true;
    };
  };
  capture(process.stdout, 'info');
  capture(process.stderr, 'warn');
}

main();
