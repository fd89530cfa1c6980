import { fileURLToPath } from 'node:url';
import { startChild } from '../harness/child.ts';
import type { Lab } from '../harness/lab.ts';
import { mustRun } from '../harness/program.ts';
import type { CallsResult } from './calls.ts';
import type { HttpOrder } from './http-calls.ts';
import { startRedis } from './redis.ts';

/** One way to have a job done. */
export interface JobEntrant {
  readonly name: string;
  /** What a caller who has been answered can count on. */
  readonly keeps: string;
  /** Starts what it needs; the string: why it cannot. */
  start(lab: Lab, workers: number): Promise<MeasureCalls | string>;
}

export type MeasureCalls = (load: { callers: number; seconds: number }) => Promise<CallsResult>;

const NOOP = fileURLToPath(new URL('../peers/noop', import.meta.url));
const program = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

export const JOB_ENTRANTS: readonly JobEntrant[] = [
  { name: 'piscina alone', keeps: 'nothing: no queue, no network', start: startPiscina },
  { name: 'penstock uws, wait', keeps: 'result kept', start: startPenstock('uws', '200') },
  { name: 'penstock node, wait', keeps: 'result kept', start: startPenstock('node', '200') },
  { name: 'penstock uws, accept', keeps: 'job fsynced before 202', start: startPenstock('uws', '202') },
  { name: 'bullmq, wait', keeps: 'result in Redis, fsync each second', start: startBullmq('everysec', 'wait') },
  { name: 'bullmq, accept', keeps: 'job in Redis, fsync each second', start: startBullmq('everysec', 'add') },
  { name: 'bullmq fsync, accept', keeps: 'job fsynced before add', start: startBullmq('always', 'add') },
];

function startPenstock(transport: string, status: '200' | '202'): JobEntrant['start'] {
  return async (lab, workers) => {
    const flags = ['--tasks', NOOP, '--workers', String(workers), '--queue-size', '1000000'];
    const { origin } = await lab.start({ transport, flags });
    const port = Number(new URL(origin).port);
    const prefer = status === '202' ? 'prefer: respond-async\r\n' : '';
    const request = `POST /noop HTTP/1.1\r\nhost: 127.0.0.1\r\n${prefer}content-length: 0\r\n\r\n`;
    return async (load) => {
      const order: HttpOrder = { port, request, status, ...load };
      return JSON.parse(await mustRun(process.execPath, [program('http-calls'), JSON.stringify(order)], lab.signal));
    };
  };
}

async function startPiscina(lab: Lab, workers: number): Promise<MeasureCalls> {
  return async ({ callers, seconds }) => {
    const args = [program('piscina-calls'), String(callers), String(seconds), String(workers)];
    return JSON.parse(await mustRun(process.execPath, args, lab.signal));
  };
}

function startBullmq(fsync: string, mode: 'wait' | 'add'): JobEntrant['start'] {
  return async (lab) => {
    const redis = await startRedis(lab, fsync);
    if (typeof redis === 'string') return redis;
    const port = String(redis.port);
    const worker = fileURLToPath(new URL('../peers/bullmq-worker.ts', import.meta.url));
    const child = await startChild({ command: process.execPath, args: [worker, port, '64'], ready: /"ready":true/ });
    lab.defer(async () => {
      await child.stop();
    });
    return async ({ callers, seconds }) => {
      const args = [program('bullmq-calls'), port, String(callers), String(seconds), mode];
      return JSON.parse(await mustRun(process.execPath, args, lab.signal));
    };
  };
}
