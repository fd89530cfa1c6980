import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config.ts';
import { AppError } from './core/errors.ts';
import { createIdSource, type NewId } from './core/ids.ts';
import type { Log, LogOptions } from './core/log.ts';
import { createMetrics } from './core/metrics.ts';
import { linkJobAt } from './http/links.ts';
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
import { type Ledger, MARKERS, openLedger } from './ledger/ledger.ts';
import { createDiskWatch, createLimits } from './limits/limits.ts';
import { MemoryQueue } from './queue/memory.ts';
import type { Job, Queue } from './queue/queue.ts';
import {
  createAcceptance,
  createIdempotency,
  createInlineJobs,
  createResults,
  createShares,
  createTwins,
  removeOrphans,
  startRetention,
  toJobJson,
} from './results/results.ts';
import { lockDataDir } from './storage/data-lock.ts';
import { openDiskStorage } from './storage/disk.ts';
import type { Storage } from './storage/storage.ts';
import { createInlineCalls, createTasks, type LoadedTask, loadTasks } from './tasks/tasks.ts';
import { createUploadWork } from './tasks/upload-work.ts';
import { createWebhooks, openSecretFile, parseSecrets } from './webhooks/webhooks.ts';
import { createWorkers, installSelfImport } from './workers/workers.ts';

/** Memory of an engine creeps up over hundreds of pages; a fresh worker costs less than that. */
const RECYCLE_AFTER_MS = 60_000;
/** Of the two seconds that a start may take. */
const MAX_CLEANING_WAIT_MS = 250;
/** Keys that end with the retention. */
const EXPIRING = ['files/', 'jobs/', 'results/', 'webhooks/', 'callbacks/'];

export type Stages = Awaited<ReturnType<typeof startStages>>;

/** Picks the implementations and wires them, in the order of the pipeline. */
export async function startStages(config: Config, log: Log, logOptions: LogOptions) {
  installSelfImport();
  const loaded = await loadTasks(config.tasks);
  const lock = await lockDataDir(config.dataDir);
  try {
    return { lock, ...(await wireStages(config, { loaded, log, logOptions })) };
  } catch (error) {
    lock.close();
    throw error;
  }
}

interface WireParts {
  readonly loaded: readonly LoadedTask[];
  readonly log: Log;
  readonly logOptions: LogOptions;
}

async function wireStages(config: Config, { loaded, log, logOptions }: WireParts) {
  const workDir = await emptyFolder(join(config.dataDir, 'work'));
  const newId = createIdSource();
  const metrics = createMetrics();
  const storage = await openDiskStorage({ dataDir: config.dataDir, notes: MARKERS });
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
    keep: (job, say) => {
      metrics.settledJob({ task: job.task, status: job.status, seconds: runningSeconds(job) });
      return answers.keep(job, say);
    },
    isKeptFirst: ({ id }) => ledger.isAccepted(id),
    onRetry: (job) =>
      void ledger.excuse(job).catch((err) => log.error({ err, job_id: job.id }, 'a failed run may count as a death')),
  });
  const ledger = await openLedger({ storage });
  const answers = await startAnswers(config, { queue, storage, ledger, log, newId });
  const { acceptance, webhooks } = answers;
  const work = { storage, queue, ledger, newId, workDir, loaded, log, logOptions };
  const { workers, tasks, inline } = await startTasks(config, work);
  await acceptance.recover();
  // It starts what uploads wait for, unless that job is there already.
  const resumable = await openUploadStore({
    ...inlet,
    maxUploadBytes: config.maxUploadBytes,
    minRate: minRate(config),
    maxUploads: config.maxUploads,
    maxOpenPerCaller: config.maxCallerUploads || config.maxUploads,
    retentionS: config.retention,
    work: createUploadWork(tasks, acceptance.admit),
  });
  await webhooks.recover();
  const orphans = { storage, before: newId(), isLive: (id: string) => queue.get(id) !== undefined, log };
  const cleaning = await startCleaning(log, async (signal) => {
    await storage.tidy(signal);
    await removeOrphans({ ...orphans, signal });
  });
  const inUse = () => new Set(queue.list().flatMap(({ id, files: held }) => [id, ...held]));
  const retention = startRetention({ storage, prefixes: EXPIRING, retentionS: config.retention, inUse, log });
  metrics.observe({
    activeUploads: () => limits.uploads().active,
    channelBytes: () => ingest.bufferedBytes() + resumable.bufferedBytes(),
    busyWorkers: () => workers.stats().busy,
    workerRestarts: () => workers.stats().restarts,
    queued: () => tasks.queued().map((task) => ({ task, ...queue.depth(task) })),
  });
  const { results, shares, guard } = answers;
  const jobs = createInlineJobs({ tasks, queue, results, acceptance, shares });
  const doors = createDoors({ ingest, files, guard, urlTimeoutMs: config.urlTimeout * 1000 });
  const inputs = { storage, doors, jobs, ingest, resumable, files, limits, disk, retention, cleaning };
  return { ...answers, ...inputs, log, queue, ledger, tasks, inline, metrics, workers };
}

interface AnswerParts {
  readonly queue: Queue;
  readonly storage: Storage;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly newId: NewId;
}

/** What becomes of jobs: who waits, who is told, what is kept. */
async function startAnswers(config: Config, { queue, storage, ledger, log, newId }: AnswerParts) {
  const retentionS = config.retention;
  const results = createResults({ queue, storage, ledger, log, retentionS, epoch: newId() });
  const twins = createTwins({ queue, storage, log, retentionS });
  const guard = createAddressGuard({ allow: config.allowAddresses });
  const hooks = { storage, guard, log, keys: await readWebhookKeys(config), maxAttempts: config.webhookAttempts };
  const webhooks = createWebhooks({ ...hooks, getJob: results.get, linkJob: linkJobAt });

  async function keep(job: Job, say: (message: string) => void): Promise<void> {
    try {
      await Promise.all([results.keep(job, say), twins.settled(job)]);
    } finally {
      acceptance.ended(job.id);
      webhooks.settled(toJobJson(job, Date.now()));
    }
  }

  const acceptance = createAcceptance({ queue, ledger, storage, log, keep: results.keep, kept: results.kept });
  const shares = createShares({ queue, ledger });
  const idempotency = createIdempotency({ queue, storage });
  return { results, twins, guard, webhooks, acceptance, shares, idempotency, keep };
}

/** Ends what still runs; accepted jobs stay for the next process. `closeFront`: of whoever answers, once the jobs have ended. */
export async function stopStages(stages: Stages, signal: AbortSignal, closeFront: () => Promise<void>): Promise<void> {
  const { queue, ledger, tasks, workers, metrics, results, log } = stages;
  const kept = queue.list().filter(({ id, finishedAt }) => finishedAt === undefined && ledger.isAccepted(id));
  for (const outcome of await Promise.allSettled(kept.map(ledger.excuse))) {
    if (outcome.status === 'rejected')
      log.error({ err: outcome.reason }, 'a run that is stopped will count as a death');
  }
  results.endWaits();
  queue.close(new AppError('draining', 'the server has stopped'), ({ id }) => ledger.isAccepted(id));
  await closeFront();
  await stages.webhooks.close();
  await Promise.all([workers.close(signal), tasks.close(signal)]);
  stages.resumable.close();
  await stages.ingest.close();
  stages.retention.close();
  await stages.cleaning.close();
  await stages.storage.close();
  metrics.close();
  stages.lock.close();
}

/** What the last process left is mostly gone before this one begins; where there is much to look through, it goes on meanwhile. */
async function startCleaning(log: Log, clean: (signal: AbortSignal) => Promise<void>) {
  const stopping = new AbortController();
  const done = clean(stopping.signal).catch((err: unknown) => {
    if (!stopping.signal.aborted) log.error({ err }, 'what the last process left could not all be removed');
  });
  await Promise.race([done, delay(MAX_CLEANING_WAIT_MS, undefined, { ref: false })]);
  return {
    close: () => {
      stopping.abort();
      return done;
    },
  };
}

function taskDefaults({ queueSize, workers, deadline, maxDeadline, pageTimeout }: Config) {
  return { queueSize, concurrency: workers, deadlineS: deadline, maxDeadlineS: maxDeadline, maxPartS: pageTimeout };
}

async function readWebhookKeys({ webhookSecret, dataDir }: Config): Promise<readonly Buffer[]> {
  if (webhookSecret.length > 0) return parseSecrets(webhookSecret);
  const path = join(dataDir, 'webhook-secret');
  return parseSecrets([await openSecretFile(path)], path);
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
  const { engine, pdfium, maxPages, maxPixels, isolation } = config;
  const sharedDir = await emptyFolder(join(config.dataDir, 'shared'));
  const startPool = (count: number) =>
    createWorkers({
      ...{ workers: count, isolation, log: parts.log },
      settings: { engine, pdfium, maxPages, maxPixels, sharedDir, log: logOptions },
      memoryBytes: config.workerMemory,
      recycleAfterMs: RECYCLE_AFTER_MS,
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
