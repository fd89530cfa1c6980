import { type Config, loadConfig } from './config.ts';
import { toAppError } from './core/errors.ts';
import { createLog, type Log, type LogOptions } from './core/log.ts';
import { statusOf } from './http/status.ts';
import {
  createEventHandler,
  createEventWork,
  type EventHandler,
  type EventWork,
  startRunpodWorker,
} from './serverless/serverless.ts';
import { startStages, stopStages } from './stages.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Work {
  readonly perform: EventWork;
  /** Lets what runs finish until the signal aborts. */
  stop(signal: AbortSignal): Promise<void>;
}

/** The stages without an HTTP server. */
async function startWork(config: Config, log: Log, logOptions: LogOptions): Promise<Work> {
  const stages = await startStages(config, log, logOptions);
  const perform = createEventWork({ ...stages, maxBytes: config.maxUploadBytes });
  return { perform, stop: (signal) => stopStages(stages, signal, async () => undefined) };
}

/** Takes work from the backend of the settings until it is stopped. Error: a plain one, where it cannot start. */
export async function startBackend(
  config: Config,
  { env, log, logOptions }: { readonly env: Env; readonly log: Log; readonly logOptions: LogOptions },
): Promise<{ stop(signal: AbortSignal): Promise<void> }> {
  if (config.backend !== 'runpod')
    throw new Error('--deployment serverless: needs a --backend to take work from: runpod');
  const { perform, stop } = await startWork(config, log, logOptions);
  const worker = startRunpodWorker({ work: perform, concurrency: config.workers, env, log });
  return {
    async stop(signal) {
      await worker.stop(signal);
      await stop(signal);
    },
  };
}

/** Settings by their names, as flags of the server: `{ tasks: ['./tasks'], 'data-dir': '/tmp/penstock' }`. */
export type HandlerSettings = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/**
 * Makes the function that a serverless platform calls for each event; it starts with the first. `close` is for tests and
 * platforms that end politely.
 */
export function createHandler(settings: HandlerSettings): EventHandler & { close(): Promise<void> } {
  const args = Object.entries(settings).flatMap(([name, value]) => [value].flat().map((one) => `--${name}=${one}`));
  const config = loadConfig(args, {});
  const logOptions = { level: config.logLevel, format: config.logFormat === 'pretty' ? 'pretty' : 'json' } as const;
  const log = createLog(logOptions);
  let work: Promise<Work> | undefined;
  const start = () => {
    work ??= startWork(config, log, logOptions).catch((error: unknown) => {
      // The next event tries again.
      work = undefined;
      throw error;
    });
    return work;
  };
  const handle = createEventHandler(
    async (event, hooks) => (await start()).perform(event, hooks),
    (error) => statusOf(toAppError(error).code),
  );
  return Object.assign(handle, {
    async close() {
      await (await work)?.stop(AbortSignal.timeout(0));
    },
  });
}
