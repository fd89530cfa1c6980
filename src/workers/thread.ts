import { flushCompileCache } from 'node:module';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import { createLazyFolder } from '../core/lazy-folder.ts';
import type { Log } from '../core/log.ts';
import { DocumentCache } from '../raster/documents.ts';
import type { CriticalEngine, RasterEngine } from '../raster/raster.ts';
import type { RasterTools } from '../tasks/task.ts';
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
import { installSelfImport } from './self-import.ts';
import { type CallTools, callTask } from './task-call.ts';
import { createResultFiles } from './task-files.ts';
import { createUnitLog, type UnitLog } from './unit-log.ts';
import { toWireError } from './wire-error.ts';

/** What an engine compiled, from the thread that sat here before, and where it goes for the one that comes after. */
interface Compiled {
  readonly inherited: object | undefined;
  readonly bequeath: (compiled: object) => void;
}

/** The raster engines by their name in the settings. pdf.js takes longer to load: only where a page needs it. */
const ENGINES: Readonly<Record<string, (compiled: Compiled) => Promise<RasterEngine>>> = {
  auto: async (compiled) => (await import('../raster/auto.ts')).createAutoEngine(await loadPdfium(compiled), loadPdfjs),
  pdfium: (compiled) => loadPdfium(compiled),
  pdfjs: () => loadPdfjs(),
};

async function loadPdfjs(): Promise<RasterEngine> {
  return (await import('../raster/pdfjs.ts')).createPdfjsEngine();
}

async function loadPdfium({ inherited, bequeath }: Compiled): Promise<CriticalEngine> {
  const { compilePdfium, createPdfiumEngine } = await import('../raster/pdfium.ts');
  const module = inherited ?? (await compilePdfium());
  if (inherited === undefined) bequeath(module);
  return createPdfiumEngine(loadPdfjs, module);
}

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
  const bequeath = (compiled: object) => send({ type: 'compiled', compiled });
  const raster = createRaster(settings, bequeath, () => unitLog.log);
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

interface RasterSupply {
  readonly tools: RasterTools;
  readonly warmUp: () => Promise<unknown>;
  /** The unit is over. */
  readonly rest: () => void;
}

/** Engine and encoder are loaded by the first who needs them. */
function createRaster(settings: WorkerSettings, bequeath: Compiled['bequeath'], log: () => Log): RasterSupply {
  const { engine, maxPages, maxPixels } = settings;
  let documents: DocumentCache | undefined;
  let loading: Promise<DocumentCache> | undefined;
  const load = async () => {
    const create = ENGINES[engine];
    const known = Object.keys(ENGINES).join(', ');
    if (!create) throw new AppError('engine_unavailable', `there is no raster engine '${engine}': choose ${known}`);
    documents = new DocumentCache(await create({ inherited: settings.compiled, bequeath }));
    return documents;
  };
  const warmUp = () => {
    loading ??= load();
    return loading;
  };
  const open: RasterTools['open'] = async (path, options) => (await warmUp()).open(path, options);
  let encoding: Promise<RasterTools['encode']> | undefined;
  const encode: RasterTools['encode'] = async (...picture) => {
    encoding ??= loadEncode((reason) => log().warn(`png is encoded in JavaScript, which takes longer: ${reason}`));
    return (await encoding)(...picture);
  };
  return { tools: { open, encode, maxPages, maxPixels }, warmUp, rest: () => documents?.rest() };
}

async function loadEncode(onFallback: (reason: string) => void): Promise<RasterTools['encode']> {
  return (await import('../raster/encode.ts')).createEncode(onFallback);
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
