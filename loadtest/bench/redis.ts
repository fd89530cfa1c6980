import { createServer } from 'node:net';
import { startChild } from '../harness/child.ts';
import type { Lab } from '../harness/lab.ts';
import { findProgram } from '../harness/program.ts';

export interface Redis {
  readonly port: number;
}

/** A Redis of its own in an empty folder; the string: why there is none. `fsync`: `everysec` or `always`. */
export async function startRedis(lab: Lab, fsync: string): Promise<Redis | string> {
  const command = findProgram('redis-server');
  if (command === undefined) return 'not installed: redis-server';
  const port = await freePort();
  const folder = await lab.folder(`redis-${fsync}`);
  const args = ['--port', String(port), '--dir', folder, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes'];
  const child = await startChild({ command, args: [...args, '--appendfsync', fsync], ready: /Ready to accept/ });
  lab.defer(async () => {
    await child.stop();
  });
  return { port };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
