import type { Config } from './config.ts';
import { AppError } from './core/errors.ts';
import type { Log, LogOptions } from './core/log.ts';
import { type Admission, createAdmission, DRAINING_RETRY_AFTER_S } from './http/admission.ts';
import { createCallerNames, createProxyTrust } from './http/caller.ts';
import { startHttp } from './http/http.ts';
import type { Route } from './http/route.ts';
import { docsRoutes } from './http/routes/docs.ts';
import { fileRoutes } from './http/routes/files.ts';
import { jobStreamRoutes } from './http/routes/job-streams.ts';
import { jobRoutes } from './http/routes/jobs.ts';
import { opsRoutes } from './http/routes/ops.ts';
import { taskRoutes } from './http/routes/tasks.ts';
import { uploadRoutes } from './http/routes/uploads.ts';
import { createTaskAnswer } from './http/task-answer.ts';
import { createTaskStream } from './http/task-stream.ts';
import { createUploads } from './http/upload.ts';
import { type Stages, startStages, stopStages } from './stages.ts';

const LAST_ANSWERS_MS = 1000;

export interface App {
  readonly url: string;
  readonly transport: 'uws' | 'node';
  /** Takes no new work, lets what runs finish until the signal aborts, then stops all the same. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Starts the stages, then the HTTP server in front of them; `stop` goes the other way round. */
export async function startApp(config: Config, log: Log, logOptions: LogOptions): Promise<App> {
  const stages = await startStages(config, log, logOptions);
  const { limits, queue, metrics } = stages;
  let isDraining = false;
  const admission = createAdmission({ nameCaller: createCallerNames(config), limits, isDraining: () => isDraining });
  const http = await startHttp({
    transport: config.transport,
    host: config.host,
    port: config.port,
    allowOrigins: config.allowOrigins,
    log,
    isProxy: createProxyTrust(config.trustedProxies),
    routes: createRoutes({ config, stages, admission, isDraining: () => isDraining }),
    onOutcome: ({ method, status, code, ms }) => metrics.finishRequest({ method, status, code, seconds: ms / 1000 }),
  });

  async function stop(signal: AbortSignal): Promise<void> {
    isDraining = true;
    // Listening on, so that probes learn that it is not ready, and new work why it is refused.
    await http.idle(signal);
    await attempt(log, 'jobs', queue.idle(signal));
    await attempt(log, 'requests', http.drain(signal));
    const retryAfterS = DRAINING_RETRY_AFTER_S;
    http.refuseUnfinished(new AppError('draining', 'the server stopped before all bytes came', { retryAfterS }));
    await stopStages(stages, signal, async () => {
      // What is still waited for has its answer now: a moment to let it out.
      await http.drain(AbortSignal.timeout(LAST_ANSWERS_MS));
      await http.close();
    });
  }

  return { url: `http://${urlHost(config.host)}:${http.port}`, transport: http.transport, stop };
}

interface RoutesOptions {
  readonly config: Config;
  readonly stages: Stages;
  readonly admission: Admission;
  readonly isDraining: () => boolean;
}

function createRoutes({ config, stages, admission, isDraining }: RoutesOptions): readonly Route[] {
  const { metrics, resumable, files, limits, disk, workers, queue, results, tasks } = stages;
  const { shares, twins, idempotency, webhooks, acceptance, inline, jobs, doors } = stages;
  const { maxUploadBytes } = config;
  const uploads = createUploads({
    ...{ doors, limits, disk },
    maxUploadBytes: config.maxUploadBytes,
    minUploadRate: config.minUploadRate,
    uploadGraceS: config.uploadGrace,
  });
  const answer = createTaskAnswer({ results, acceptance });
  const stream = createTaskStream({ tasks, results, shares });
  const state = () => ({ draining: isDraining(), uploads: limits.uploads(), workers: workers.stats() });
  const notReady = async () => (isDraining() ? 'draining' : await disk.trouble());
  const routes = [
    ...opsRoutes({ metrics, tasks, queue, admission, notReady, state }),
    ...fileRoutes({ files, uploads, admission }),
    ...uploadRoutes({ store: resumable, limits, disk, admission, maxUploadBytes }),
    ...jobRoutes({ queue, results, webhooks, admission }),
    ...jobStreamRoutes({ feed: results.feed, results, admission }),
    ...taskRoutes({
      ...{ tasks, queue, shares, twins, idempotency, webhooks, answer, stream, inline, jobs, uploads, admission },
    }),
  ];
  return [...routes, ...docsRoutes({ routes, tasks: tasks.list(), hasKeys: config.apiKeys.length > 0 })];
}

/** An IPv6 address stands in brackets in a URL; one that means "all" is reached by loopback. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** A drain that runs out of time is told and goes on: stopping must not fail. */
async function attempt(log: Log, what: string, promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    log.warn({ err: error }, `the drain time was over before all ${what} were finished`);
  }
}
