import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

/** One process as the kernel accounts it (proc(5)). */
export interface ProcessStats {
  readonly rssBytes: number;
  /** The highest rss since the start or the last `resetPeak`. */
  readonly peakBytes: number;
  /** User and system time, its ended children's included; the kernel counts in hundredths. */
  readonly cpuSeconds: number;
  readonly openFiles: number;
}

/** undefined: the process is gone. */
export function readProcess(pid: number): ProcessStats | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    const fields = statFields(pid);
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
    return {
      rssBytes: kilobytes('VmRSS') * 1024,
      peakBytes: kilobytes('VmHWM') * 1024,
      cpuSeconds: ticks / 100,
      openFiles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The processes that descend from `pid`, nearest first, without itself. */
function descendants(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [...(children.get(pid) ?? [])];
  for (const child of found) found.push(...(children.get(child) ?? []));
  return found;
}

/** CPU seconds and peak bytes of the process and all that descends from it. */
export function readTree(pid: number): { cpuSeconds: number; rssBytes: number; peakBytes: number } {
  const all = [pid, ...descendants(pid)].map(readProcess).filter((stats) => stats !== undefined);
  const sum = (of: (stats: ProcessStats) => number) => all.reduce((total, stats) => total + of(stats), 0);
  return {
    cpuSeconds: sum((stats) => stats.cpuSeconds),
    rssBytes: sum((stats) => stats.rssBytes),
    peakBytes: sum((stats) => stats.peakBytes),
  };
}

/** CPU seconds of this process's children that have ended. */
export function readEndedChildren(): number {
  const fields = statFields(process.pid);
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / 100;
}

/** Bytes of memory that hold nothing, not even page cache. */
export function readFreeMemory(): number {
  return Number(/^MemFree:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
}

/** Lets `peakBytes` start again from the present rss, for the process and all that descends from it. */
export function resetPeak(pid: number): void {
  for (const each of [pid, ...descendants(pid)]) writeFileSync(`/proc/${each}/clear_refs`, '5');
}

/** Regular files and sockets among the open descriptors, by the kind their link names. */
export function countOpen(pid: number, kind: 'socket' | 'file'): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  const isKind = (link: string) => (kind === 'socket' ? link.startsWith('socket:') : link.startsWith('/'));
  return links.filter(isKind).length;
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
}

/** Fields after the command's name, which may itself hold blanks and parentheses: the state is number 0. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statFields(pid)[1]);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}
