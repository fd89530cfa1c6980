import { fileURLToPath } from 'node:url';
import type { Lab } from '../harness/lab.ts';
import { readEndedChildren, readProcess, readTree, resetPeak } from '../harness/process-stats.ts';
import { mustRun } from '../harness/program.ts';
import type { Running } from './peer.ts';
import type { Delivery, Order } from './sender.ts';

const SENDER = fileURLToPath(new URL('./sender.ts', import.meta.url));

/** One kind of load. */
export interface Load {
  readonly name: string;
  readonly uploads: number;
  readonly bytes: number;
  readonly concurrency: number;
}

/** One measurement of one peer. */
export interface Figures {
  readonly mbPerSecond: number;
  /** The same up to the moment when the file system had written everything (syncfs). */
  readonly mbPerSecondOnDisk: number;
  readonly cpuSecondsPerGb: number;
  /** Highest resident memory of the peer's processes, bytes. */
  readonly peakBytes: number;
  /** CPU that the sender spent per GB, to tell who was the bottleneck. */
  readonly senderCpuPerGb: number;
}

/** Sends the load once. Errors: an answer that is not a 2xx, or a digest that is not right. */
export async function measure(
  lab: Lab,
  running: Running,
  { load, warmMemory }: { load: Load; warmMemory: () => void },
): Promise<Figures> {
  const { pid, memoryOf, port, head, folder, clean } = running;
  const { uploads, bytes, concurrency } = load;
  const order: Order = { port, head, uploads, bytes, concurrency };
  // What the last one left to be written must not be paid by this one.
  await mustRun('sync', ['-f', folder], lab.signal);
  warmMemory();
  resetPeak(pid);
  const before = readTree(pid).cpuSeconds;
  const sent = readEndedChildren();
  const text = await mustRun(process.execPath, [SENDER, JSON.stringify(order)], lab.signal);
  const after = readTree(pid);
  const senderCpu = readEndedChildren() - sent;
  const delivery: Delivery = JSON.parse(text);
  const syncStart = performance.now();
  await mustRun('sync', ['-f', folder], lab.signal);
  const syncSeconds = (performance.now() - syncStart) / 1000;
  check(delivery, uploads);
  await clean(delivery.ids);
  const total = uploads * bytes;
  return {
    mbPerSecond: total / 1e6 / delivery.seconds,
    mbPerSecondOnDisk: total / 1e6 / (delivery.seconds + syncSeconds),
    cpuSecondsPerGb: (after.cpuSeconds - before) / (total / 1e9),
    peakBytes: memoryOf === 'tree' ? after.peakBytes : (readProcess(pid)?.peakBytes ?? 0),
    senderCpuPerGb: senderCpu / (total / 1e9),
  };
}

function check({ statuses, wrongDigests }: Delivery, uploads: number): void {
  const kept = Object.entries(statuses).reduce((sum, [status, count]) => sum + (status.startsWith('2') ? count : 0), 0);
  if (kept !== uploads) throw new Error(`${kept} of ${uploads} uploads were kept: ${JSON.stringify(statuses)}`);
  if (wrongDigests > 0) throw new Error(`${wrongDigests} of ${uploads} uploads have a wrong digest`);
}

interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** On the file system that is written to. */
  readonly folder: string;
  readonly totalBytes: number;
  readonly warmMemory: () => void;
}

/** What a program that moves the same bytes on the same disk takes, as figures of the same kind. */
export async function measureProgram(
  lab: Lab,
  { command, args, folder, totalBytes, warmMemory }: ProgramOptions,
): Promise<Figures> {
  await mustRun('sync', ['-f', folder], lab.signal);
  warmMemory();
  const before = readEndedChildren();
  const start = performance.now();
  await mustRun(command, args, lab.signal);
  const seconds = (performance.now() - start) / 1000;
  const cpuSeconds = readEndedChildren() - before;
  await mustRun('sync', ['-f', folder], lab.signal);
  const onDiskSeconds = (performance.now() - start) / 1000;
  return {
    mbPerSecond: totalBytes / 1e6 / seconds,
    mbPerSecondOnDisk: totalBytes / 1e6 / onDiskSeconds,
    cpuSecondsPerGb: cpuSeconds / (totalBytes / 1e9),
    peakBytes: Number.NaN,
    senderCpuPerGb: Number.NaN,
  };
}
