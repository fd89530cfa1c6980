import { existsSync } from 'node:fs';
import { mkdir, open, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { findProgram, mustRun, runProgram } from './program.ts';

/** A file system of its own on a loop device whose writes the kernel slows down. */
export interface SlowDisk {
  readonly path: string;
  /** How it is slowed down. */
  readonly by: string;
  /** Puts a process under the limit, where the limit is a process's and not the device's. */
  admit(pid: number): Promise<void>;
}

/** Its size, kept as a sparse file, and how fast it writes. */
export interface SlowDiskOptions {
  readonly sizeBytes: number;
  readonly bytesPerSecond: number;
}

const V1_LIMIT = '/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device';
const V2_ROOT = '/sys/fs/cgroup';

/**
 * Makes the disk, or says why it cannot. Control groups v1 limit the device for all, the kernel's own write-back
 * included; v2 limits the group that wrote the pages, which ext4 accounts right.
 */
export async function makeSlowDisk(lab: Lab, options: SlowDiskOptions): Promise<SlowDisk | string> {
  if (process.getuid?.() !== 0) return 'a loop device needs root';
  const missing = ['losetup', 'mkfs.ext4', 'mount', 'umount', 'lsblk'].filter((name) => !findProgram(name));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  const hasV1 = existsSync(V1_LIMIT);
  if (!hasV1 && !existsSync(`${V2_ROOT}/cgroup.controllers`)) return 'no control group can limit a disk here';
  const path = await mountLoop(lab, options.sizeBytes);
  if (typeof path !== 'string') return path.reason;
  const device = (await mustRun('findmnt', ['-no', 'MAJ:MIN', path], lab.signal)).trim();
  await boundDirtyPages(device);
  return hasV1 ? limitDevice(lab, { path, device, options }) : limitGroup(lab, { path, device, options });
}

async function mountLoop(lab: Lab, sizeBytes: number): Promise<string | { reason: string }> {
  const folder = await lab.folder('slow-disk');
  const [image, path] = [join(folder, 'image'), join(folder, 'mounted')];
  await mkdir(path);
  const file = await open(image, 'w');
  await file.truncate(sizeBytes);
  await file.close();
  await mustRun('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=1,lazy_journal_init=1', image], lab.signal);
  const found = await runProgram('losetup', ['--find', '--show', image], lab.signal);
  if (found.code !== 0) return { reason: `losetup: ${found.stderr.trim()}` };
  const loop = found.stdout.trim();
  const anyway = new AbortController().signal;
  lab.defer(async () => {
    await runProgram('losetup', ['-d', loop], anyway);
  });
  const mounted = await runProgram('mount', [loop, path], lab.signal);
  if (mounted.code !== 0) return { reason: `mount: ${mounted.stderr.trim()}` };
  lab.defer(async () => {
    await runProgram('umount', [path], anyway);
  });
  return path;
}

/**
 * At most a hundredth of the memory may wait to be written here, so that a write waits for the disk soon, and writes to
 * other disks do not wait for this one.
 */
async function boundDirtyPages(device: string): Promise<void> {
  const settings = [
    ['max_ratio', '1'],
    ['strict_limit', '1'],
  ] as const;
  for (const [name, value] of settings) {
    const path = `/sys/class/bdi/${device}/${name}`;
    if (existsSync(path)) await writeFile(path, value);
  }
}

interface Limited {
  readonly path: string;
  /** `major:minor`. */
  readonly device: string;
  readonly options: SlowDiskOptions;
}

async function limitDevice(lab: Lab, { path, device, options }: Limited): Promise<SlowDisk> {
  await writeFile(V1_LIMIT, `${device} ${Math.round(options.bytesPerSecond)}`);
  lab.defer(() => writeFile(V1_LIMIT, `${device} 0`));
  return { path, by: 'loop device under blkio.throttle.write_bps_device', admit: async () => undefined };
}

async function limitGroup(lab: Lab, { path, device, options }: Limited): Promise<SlowDisk | string> {
  const group = `${V2_ROOT}/penstock-load-${process.pid}`;
  try {
    await writeFile(`${V2_ROOT}/cgroup.subtree_control`, '+io');
    await mkdir(group);
    lab.defer(() => rmdir(group));
    await writeFile(`${group}/io.max`, `${device} wbps=${Math.round(options.bytesPerSecond)}`);
  } catch (error) {
    return `control group io.max: ${error instanceof Error ? error.message : error}`;
  }
  const admit = (pid: number) => writeFile(`${group}/cgroup.procs`, String(pid));
  return { path, by: 'loop device under io.max', admit };
}
