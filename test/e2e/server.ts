import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { notesOf } from '../../loadtest/harness/notes.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const START_LIMIT_MS = 20_000;

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Everything on stderr so far. */
  log(): string;
  /** Everything on stdout so far. */
  out(): string;
  /** Sends the signal and resolves with the exit code (null: ended by the signal). */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ServerOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Kept after the test when given. */
  readonly dataDir?: string;
  /** Words before the node command: strace, prlimit. */
  readonly prefix?: readonly string[];
}

/** Starts the real server on a free port, without a rate limit unless the arguments set one. */
export async function startServer({
  args = [],
  env = {},
  dataDir,
  prefix = [],
}: ServerOptions = {}): Promise<TestServer> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'penstock-e2e-'));
  const all = [MAIN, '--port', '0', '--data-dir', folder, '--rate-limit', '0', '--log-format', 'json', ...args];
  const [command = process.execPath, ...rest] = [...prefix, process.execPath, ...all];
  const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let out = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  child.stdout.on('data', (chunk) => (out += chunk));
  const exited = once(child, 'exit');

  const url = await Promise.race([
    listeningUrl(child),
    exited.then(([code]) => Promise.reject(new Error(`the server ended with ${code}: ${log}`))),
    once(AbortSignal.timeout(START_LIMIT_MS), 'abort').then(() =>
      Promise.reject(new Error(`no start within ${START_LIMIT_MS} ms: ${log}`)),
    ),
  ]);

  async function kill(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [code] = await exited;
    return code;
  }

  return {
    url,
    port: Number(new URL(url).port),
    dataDir: folder,
    child,
    log: () => log,
    out: () => out,
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill('SIGKILL');
      if (dataDir === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the server has no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/\S+?:\d+/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error('the server printed no address');
}

/** Files below a folder, as paths relative to it. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** What a data folder keeps for its callers, as paths below `blobs` and keys of notes; the folder's own birth date is not theirs. */
export function blobsOf(dataDir: string): string[] {
  const files = filesBelow(join(dataDir, 'blobs')).filter((path) => path !== 'ledger/since.json');
  return [...files, ...notesOf(dataDir)];
}

/** Processes whose parent is `pid`, children of children included. */
export function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function statFields(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return []; // gone meanwhile
  }
}

function parentOf(pid: number): number {
  return Number(statFields(pid)[1] ?? -1);
}

/** Seconds since its start; 0: it is gone. */
function ageS(pid: number): number {
  const startedAt = Number(statFields(pid)[19] ?? Number.POSITIVE_INFINITY) / 100;
  return Math.max(0, Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) - startedAt);
}

/** CPU time in clock ticks (10 ms) that the processes have used. */
export function cpuTicks(pids: readonly number[]): number {
  return pids
    .map((pid) => Number(statFields(pid)[11] ?? 0) + Number(statFields(pid)[12] ?? 0))
    .reduce((a, b) => a + b, 0);
}

/** After their start, workers without work load the engine (thread.ts: 2.5 s). */
const WARM_AFTER_S = 5;

/** The server's worker processes, from when all of them have done with their start: what they use then is their work's. */
export async function restedHosts({ child }: TestServer): Promise<number[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const hosts = descendants(child.pid ?? 0);
    const before = cpuTicks(hosts);
    await delay(300);
    const isWarm = hosts.length > 0 && Math.min(...hosts.map(ageS)) > WARM_AFTER_S;
    if (isWarm && cpuTicks(hosts) - before <= 1) return hosts;
    assert.ok(performance.now() < end, 'the hosts never rest');
  }
}

/** In the second after the first they use no CPU; what a host does beside work stays below a tenth. */
export async function assertIdle(hosts: readonly number[]): Promise<void> {
  await delay(1000);
  const before = cpuTicks(hosts);
  await delay(1000);
  const used = cpuTicks(hosts) - before;
  assert.ok(used <= 10, `the hosts used ${used * 10} ms of CPU in the second after the first`);
}

/** Resident bytes of one process. */
export function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}
