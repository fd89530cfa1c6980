import { existsSync } from 'node:fs';
import type { Log, LogOptions } from './core/log.ts';
import { collectLessOften, restartTuned } from './runtime.ts';
import type { Config } from './settings.ts';

// Before anything else is loaded, since it may start over.
restartTuned();

const [{ startApp }, { ConfigError, loadConfig }, { AppError }, { createLog }] = await Promise.all([
  import('./app.ts'),
  import('./config.ts'),
  import('./core/errors.ts'),
  import('./core/log.ts'),
]);

const SAMPLE = 'data/sample-17-pages.pdf';
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

await main();

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    const { helpText } = await import('./help.ts');
    process.stdout.write(`${helpText()}\n`);
    return;
  }
  const config = readConfig();
  const logOptions = { level: config.logLevel, format: logFormat(config) } as const;
  const log = createLog(logOptions);
  try {
    if (config.watch) process.exit(await (await import('./watch.ts')).serveAndWatch({ paths: config.tasks, log }));
    if (config.deployment === 'serverless') await takeWork(config, log, logOptions);
    else await serve(config, log, logOptions);
  } catch (error) {
    process.stderr.write(`penstock could not start: ${describe(error)}\n`);
    log.debug({ err: error }, 'start failed');
    process.exit(EXIT.failed);
  }
}

/** For the operator, who wants the cause that callers are not told. */
function describe(error: unknown): string {
  if (error instanceof AppError && error.code === 'internal' && error.cause !== undefined) return describe(error.cause);
  return error instanceof Error ? error.message : String(error);
}

function readConfig(): Config {
  try {
    return loadConfig(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.usage);
  }
}

function logFormat({ logFormat: format }: Config): LogOptions['format'] {
  if (format !== 'auto') return format;
  return process.stderr.isTTY ? 'pretty' : 'json';
}

async function serve(config: Config, log: Log, logOptions: LogOptions): Promise<void> {
  const app = await startApp(config, log, logOptions);
  if (app.transport === 'uws') collectLessOften();
  // Whoever has read the address may end it.
  stopOnSignal(config, log, app.stop);
  // The sample is there in a clone.
  const file = existsSync(SAMPLE) ? SAMPLE : 'your.pdf';
  process.stdout.write(
    `Penstock listens on ${app.url} (${app.transport}). Try it:\n\n` +
      `    curl --data-binary @${file} ${app.url}/pdf2image\n\n`,
  );
}

/** No HTTP server: work is taken from a backend. */
async function takeWork(config: Config, log: Log, logOptions: LogOptions): Promise<void> {
  const { startBackend } = await import('./serverless.ts');
  const { stop } = await startBackend(config, { env: process.env, log, logOptions });
  stopOnSignal(config, log, stop);
  process.stdout.write(`Penstock takes work from ${config.backend}\n`);
}

function stopOnSignal(config: Config, log: Log, end: (signal: AbortSignal) => Promise<void>): void {
  const hurry = new AbortController();
  let isStopping = false;
  const stop = async (name: NodeJS.Signals) => {
    if (isStopping) return hurry.abort(new AppError('draining', `a second ${name} came`));
    isStopping = true;
    log.info(`${name}: draining for up to ${config.drainTimeout} s; once more to stop at once`);
    await end(AbortSignal.any([hurry.signal, AbortSignal.timeout(config.drainTimeout * 1000)]));
    process.exit(EXIT.ok);
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => void stop(name));
}
