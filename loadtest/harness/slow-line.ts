import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import type { Lab } from './lab.ts';
import { findProgram, mustRun, runProgram } from './program.ts';

/** A network line as `tc netem` describes one. */
export interface Line {
  readonly name: string;
  readonly kbitPerSecond: number;
  /** One way, and by how much it varies. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossPercent: number;
}

/** A network namespace at the far end of a line. */
export interface FarEnd {
  readonly line: Line;
  /** The program that runs another one there. */
  readonly inside: readonly string[];
  /** `tc netem`, or the user-space line for kernels without it. */
  readonly by: string;
}

/** The near end of every line: the address the server listens on. Private, and only on interfaces made here. */
export const NEAR_ADDRESS = '10.231.77.1';

const USER_LINE = fileURLToPath(new URL('../peers/slow-line.py', import.meta.url));

/** Lays one line into a namespace of its own, or says why it cannot. `number` tells the lines of a run apart. */
export async function layLine(lab: Lab, line: Line, number: number): Promise<FarEnd | string> {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const ip = findProgram('ip');
  if (!ip) return 'not installed: ip (Debian package iproute2)';
  const space = `penstock${process.pid}-${number}`;
  const made = await runProgram(ip, ['netns', 'add', space], lab.signal);
  if (made.code !== 0) return `ip netns add: ${made.stderr.trim()}`;
  const anyway = new AbortController().signal;
  lab.defer(async () => {
    await runProgram(ip, ['netns', 'delete', space], anyway);
  });
  const ends = { ip, space, near: `psn${process.pid}-${number}`, far: `psf${process.pid}-${number}` };
  const by = await layByNetem(lab, line, ends);
  const used = by.isLaid ? 'tc netem' : await layByTun(lab, line, ends);
  if (used === undefined) return `tc netem: ${by.reason}; no TUN device or python3 either`;
  await address(lab, ends, number);
  return { line, inside: [ip, 'netns', 'exec', space], by: used };
}

interface Ends {
  readonly ip: string;
  readonly space: string;
  readonly near: string;
  readonly far: string;
}

async function layByNetem(lab: Lab, line: Line, { ip, space, near, far }: Ends) {
  await mustRun(ip, ['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space], lab.signal);
  const shape = ['root', 'netem', 'rate', `${line.kbitPerSecond}kbit`, 'limit', '200'];
  const delay = ['delay', `${line.delayMs}ms`, `${line.jitterMs}ms`, 'loss', `${line.lossPercent}%`];
  const onNear = await runProgram('tc', ['qdisc', 'add', 'dev', near, ...shape, ...delay], lab.signal);
  const onFar = ['netns', 'exec', space, 'tc', 'qdisc', 'add', 'dev', far, ...shape, ...delay];
  const done = onNear.code === 0 ? await runProgram(ip, onFar, lab.signal) : onNear;
  if (done.code === 0) return { isLaid: true, reason: '' };
  await mustRun(ip, ['link', 'delete', near], lab.signal);
  return { isLaid: false, reason: done.stderr.trim() };
}

/** The same line by peers/slow-line.py, which carries real packets between two TUN devices. */
async function layByTun(lab: Lab, line: Line, { ip, space, near, far }: Ends): Promise<string | undefined> {
  if (!existsSync('/dev/net/tun') || !findProgram('python3')) return undefined;
  const { kbitPerSecond, delayMs, jitterMs, lossPercent } = line;
  const shape = [kbitPerSecond * 1000, delayMs, jitterMs, lossPercent].map(String);
  const carrier = await startChild({ command: 'python3', args: [USER_LINE, near, far, ...shape], ready: /ready/ });
  lab.defer(async () => {
    await carrier.stop(2000);
  });
  await mustRun(ip, ['link', 'set', far, 'netns', space], lab.signal);
  return 'packets carried between TUN devices (this kernel has no netem)';
}

async function address(lab: Lab, { ip, space, near, far }: Ends, number: number): Promise<void> {
  const farAddress = `10.231.77.${10 + number}`;
  const inside = (...args: readonly string[]) => mustRun(ip, ['-n', space, ...args], lab.signal);
  await mustRun(ip, ['address', 'add', NEAR_ADDRESS, 'peer', farAddress, 'dev', near], lab.signal);
  await mustRun(ip, ['link', 'set', near, 'up'], lab.signal);
  await inside('address', 'add', farAddress, 'peer', NEAR_ADDRESS, 'dev', far);
  await inside('link', 'set', far, 'up');
}
