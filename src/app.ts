import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { AppError } from './core/errors.ts';
import { createIdSource } from './core/ids.ts';
import type { Log, LogOptions } from './core/log.ts';
import { createMetrics } from './core/metrics.ts';
import { type Admission, createAdmission } from './http/admission.ts';
import { createCallerNames } from './http/caller.ts';
import { startHttp } from './http/http.ts';
import { createInlineJobs } from './http/inline-jobs.ts';
import { linkJobAt } from './http/links.ts';
import type { Route } from './http/route.ts';
import { fileRoutes } from './http/routes/files.ts';
import { jobStreamRoutes } from './http/routes/job-streams.ts';
import { jobRoutes } from './http/routes/jobs.ts';
import { opsRoutes } from './http/routes/ops.ts';
import { taskRoutes } from './http/routes/tasks.ts';
import { uploadRoutes } from './http/routes/uploads.ts';
import { createTaskAnswer } from './http/task-answer.ts';
import { createTaskStream } from './http/task-stream.ts';
import { createUploads } from './http/upload.ts';
import {
  createAddressGuard,
  createDoors,
  createFiles,
  createIngest,
  DigestFollower,
  type MinRate,
  openUploadStore,
  type StoredFile,
} from './ingest/ingest.ts';
import { type Ledger, openLedger } from './ledger/ledger.ts';
import { createDiskWatch, createLimits } from './limits/limits.ts';
import { MemoryQueue } from './queue/memory.ts';
import type { Job, Queue } from './queue/queue.ts';
import {
  createAcceptance,
  createIdempotency,
  createResults,
  createShares,
  createTwins,
  removeOrphans,
  startRetention,
} from './results/results.ts';
import { lockDataDir } from './storage/data-lock.ts';
import { openDiskStorage } from './storage/disk.ts';
import type { Storage } from './storage/storage.ts';
import { createInlineCalls, createTasks, type LoadedTask, loadTasks } from './tasks/tasks.ts';
import { createUploadWork } from './tasks/upload-work.ts';
import { createWebhooks, openSecretFile, parseSecrets } from './webhooks/webhooks.ts';
import { createWorkers, installSelfImport } from './workers/workers.ts';

/** Memory of an engine creeps up over hundreds of pages; a fresh worker costs less than that. */
const RECYCLE_AFTER_UNITS = 500;
/** Keys that end with the retention. */
const EXPIRING = ['files/', 'jobs/', 'results/', 'webhooks/', 'callbacks/'];

export interface App {
  readonly url: string;
  readonly transport: 'uws' | 'node';
  /** Takes no new work, lets what runs finish until the signal aborts, then stops all the same. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Picks the implementations and wires the stages, in the order of the pipeline; `stop` goes the other way round. */
export async function startApp(config: Config, log: Log, logOptions: LogOptions): Promise<App> {
  const stages = await startStages(config, log, logOptions);
  const { limits, queue, ledger, tasks, workers, metrics } = stages;
  let isDraining = false;
  const admission = createAdmission({ nameCaller: createCallerNames(config), limits, isDraining: () => isDraining });
  const http = await startHttp({
    transport: config.transport,
    host: config.host,
    port: config.port,
    log,
    routes: createRoutes({ config, stages, admission, isDraining: () => isDraining }),
    onOutcome: ({ method, status, code, ms }) => metrics.finishRequest({ method, status, code, seconds: ms / 1000 }),
  });

  async function stop(signal: AbortSignal): Promise<void> {
    isDraining = true;
    // Listening on, so that probes learn that it is not ready, and new work why it is refused.
    await http.idle(signal);
    await attempt(log, 'jobs', queue.idle(signal));
    await attempt(log, 'requests', http.drain(signal));
    const kept = queue.list().filter(({ id, finishedAt }) => finishedAt === undefined && ledger.isAccepted(id));
    await Promise.all(kept.map(ledger.excuse));
    queue.close(new AppError('draining', 'the server has stopped'), ({ id }) => ledger.isAccepted(id));
    await http.close();
    await stages.webhooks.close();
    await Promise.all([workers.close(signal), tasks.close(signal)]);
    stages.resumable.close();
    await stages.ingest.close();
    stages.retention.close();
    metrics.close();
    stages.lock.close();
  }

  return { url: `http://${urlHost(config.host)}:${http.port}`, transport: http.transport, stop };
}

type Stages = Awaited<ReturnType<typeof startStages>>;

async function startStages(config: Config, log: Log, logOptions: LogOptions) {
  installSelfImport();
  const loaded = await loadTasks(config.tasks);
  const lock = await lockDataDir(config.dataDir);
  const workDir = await emptyFolder(join(config.dataDir, 'work'));
  const newId = createIdSource();
  const metrics = createMetrics();
  const storage = await openDiskStorage({ dataDir: config.dataDir });
  const files = await createFiles({ storage });
  const onStored = (file: StoredFile) => {
    files.noteStored(file);
    metrics.storedUpload(file.size);
  };
  const follower = new DigestFollower();
  const inlet = { storage, newId, log, follower, onStored, channelBytes: config.channelBytes };
  const ingest = createIngest({ ...inlet, isTraced: config.trace });
  const limits = createLimits(config);
  const disk = createDiskWatch({
    dataDir: config.dataDir,
    minFreeBytes: config.minFreeBytes,
    isHealthy: storage.isHealthy,
  });
  const queue: Queue = new MemoryQueue({
    keep: (job) => {
      metrics.settledJob({ task: job.task, status: job.status, seconds: runningSeconds(job) });
      return answers.keep(job);
    },
    isKeptFirst: ({ id }) => ledger.isAccepted(id),
  });
  const ledger = await openLedger({ storage });
  const answers = await startAnswers(config, { queue, storage, ledger, log, newId });
  const { acceptance, webhooks } = answers;
  const work = { storage, queue, ledger, newId, workDir, loaded, log, logOptions };
  const { workers, tasks, inline } = await startTasks(config, work);
  const resumable = await openUploadStore({
    ...inlet,
    maxUploadBytes: config.maxUploadBytes,
    minRate: minRate(config),
    maxOpenPerCaller: config.maxCallerUploads || config.maxUploads,
    retentionS: config.retention,
    work: createUploadWork(tasks, (id) => acceptance.accept(id, {})),
  });
  await acceptance.recover();
  await webhooks.recover();
  await removeOrphans({ storage, log, before: newId(), isLive: (id) => queue.get(id) !== undefined });
  const inUse = () => new Set(queue.list().flatMap(({ id, files: held }) => [id, ...held]));
  const retention = startRetention({ storage, prefixes: EXPIRING, retentionS: config.retention, inUse, log });
  metrics.observe({
    activeUploads: () => limits.uploads().active,
    channelBytes: () => ingest.bufferedBytes() + resumable.bufferedBytes(),
    busyWorkers: () => workers.stats().busy,
    workerRestarts: () => workers.stats().restarts,
    queued: () => tasks.queued().map((task) => ({ task, ...queue.depth(task) })),
  });
  const inputs = { ingest, resumable, files, limits, disk, retention };
  return { ...answers, ...inputs, lock, queue, ledger, tasks, inline, metrics, workers };
}

interface AnswerParts {
  readonly queue: Queue;
  readonly storage: Storage;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly newId: () => string;
}

/** What becomes of jobs: who waits, who is told, what is kept. */
async function startAnswers(config: Config, { queue, storage, ledger, log, newId }: AnswerParts) {
  const retentionS = config.retention;
  const results = createResults({ queue, storage, ledger, log, retentionS, epoch: newId() });
  const twins = createTwins({ queue, storage, log, retentionS });
  const guard = createAddressGuard({ allow: config.allowAddresses });
  const hooks = { storage, guard, log, keys: await readWebhookKeys(config), maxAttempts: config.webhookAttempts };
  const webhooks = createWebhooks({ ...hooks, getJob: results.get, linkJob: linkJobAt });

  async function keep(job: Job): Promise<void> {
    try {
      await Promise.all([results.keep(job), twins.settled(job)]);
    } finally {
      webhooks.settled(job.id);
    }
  }

  const acceptance = createAcceptance({ queue, ledger, storage, log, keep: results.keep });
  const shares = createShares({ queue, ledger });
  const idempotency = createIdempotency({ queue, storage });
  return { results, twins, guard, webhooks, acceptance, shares, idempotency, keep };
}

interface RoutesOptions {
  readonly config: Config;
  readonly stages: Stages;
  readonly admission: Admission;
  readonly isDraining: () => boolean;
}

function createRoutes({ config, stages, admission, isDraining }: RoutesOptions): readonly Route[] {
  const { metrics, ingest, resumable, files, limits, disk, workers, queue, results, tasks } = stages;
  const { shares, twins, idempotency, webhooks, guard } = stages;
  const { maxUploadBytes } = config;
  const doors = createDoors({ ingest, files, guard, urlTimeoutMs: config.urlTimeout * 1000 });
  const uploads = createUploads({
    ...{ doors, limits, disk },
    maxUploadBytes: config.maxUploadBytes,
    minUploadRate: config.minUploadRate,
    uploadGraceS: config.uploadGrace,
  });
  const { acceptance, inline } = stages;
  const answer = createTaskAnswer({ results, acceptance });
  const stream = createTaskStream({ tasks, results, shares });
  const jobs = createInlineJobs({ tasks, queue, results, acceptance, shares });
  const state = () => ({ draining: isDraining(), uploads: limits.uploads(), workers: workers.stats() });
  const notReady = async () => (isDraining() ? 'draining' : await disk.trouble());
  return [
    ...opsRoutes({ metrics, tasks, queue, admission, notReady, state }),
    ...fileRoutes({ files, uploads, admission }),
    ...uploadRoutes({ store: resumable, limits, disk, admission, maxUploadBytes }),
    ...jobRoutes({ queue, results, webhooks, admission }),
    ...jobStreamRoutes({ feed: results.feed, results, admission }),
    ...taskRoutes({
      ...{ tasks, queue, shares, twins, idempotency, webhooks, answer, stream, inline, jobs, uploads, admission },
    }),
  ];
}

function taskDefaults({ queueSize, workers, deadline, maxDeadline, pageTimeout }: Config) {
  return { queueSize, concurrency: workers, deadlineS: deadline, maxDeadlineS: maxDeadline, maxPartS: pageTimeout };
}

async function readWebhookKeys({ webhookSecret, dataDir }: Config): Promise<readonly Buffer[]> {
  if (webhookSecret.length > 0) return parseSecrets(webhookSecret);
  return parseSecrets([await openSecretFile(join(dataDir, 'webhook-secret'))]);
}

interface TaskParts {
  readonly storage: Storage;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly newId: () => string;
  readonly workDir: string;
  readonly loaded: readonly LoadedTask[];
  readonly log: Log;
  readonly logOptions: LogOptions;
}

async function startTasks(config: Config, { ledger, loaded, logOptions, ...parts }: TaskParts) {
  const { engine, maxPages, maxPixels, isolation } = config;
  const sharedDir = await emptyFolder(join(config.dataDir, 'shared'));
  const startPool = (count: number) =>
    createWorkers({
      ...{ workers: count, isolation, log: parts.log },
      settings: { engine, maxPages, maxPixels, sharedDir, log: logOptions },
      memoryBytes: config.workerMemory,
      recycleAfterUnits: RECYCLE_AFTER_UNITS,
    });
  const workers = startPool(config.workers);
  const pools = { workers, createWorkers: startPool, onBegin: ledger.begin };
  const tasks = createTasks({ ...parts, ...pools, loaded, ...taskDefaults(config) });
  return { workers, tasks, inline: createInlineCalls({ ...parts, sharedDir }) };
}

function minRate({ minUploadRate, uploadGrace }: Config): MinRate | undefined {
  return minUploadRate > 0 ? { bytesPerS: minUploadRate, graceS: uploadGrace } : undefined;
}

async function emptyFolder(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  return path;
}

function runningSeconds({ startedAt, finishedAt }: Job): number {
  return startedAt === undefined || finishedAt === undefined ? 0 : (finishedAt - startedAt) / 1000;
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
