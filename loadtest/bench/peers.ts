import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { startChild } from '../harness/child.ts';
import type { Lab } from '../harness/lab.ts';
import { runProgram } from '../harness/program.ts';
import { startNginx } from './nginx.ts';
import type { Peer, Running } from './peer.ts';

const PEERS_FOLDER = fileURLToPath(new URL('../peers', import.meta.url));
/** Debian's own: the packages of the Python peer are installed for it. */
const PYTHON = '/usr/bin/python3';

/** All that is compared, in the order of the table. */
export const PEERS: readonly Peer[] = [
  { name: 'penstock uws', isDurable: true, hasDigest: true, start: (lab) => startOurs(lab, 'uws') },
  { name: 'penstock node', isDurable: true, hasDigest: true, start: (lab) => startOurs(lab, 'node') },
  { name: 'nginx dav put', isDurable: false, hasDigest: false, start: (lab) => startNginx(lab, 'put') },
  { name: 'nginx body to file', isDurable: false, hasDigest: false, start: (lab) => startNginx(lab, 'body') },
  { name: 'plain node pipe', isDurable: false, hasDigest: false, start: startPlainPipe },
  { name: '@tus/server', isDurable: false, hasDigest: false, start: startTus },
  { name: 'fastapi, two coroutines', isDurable: false, hasDigest: false, start: startFastapi },
];

/** The ceiling of the sender: a server that reads and keeps nothing. */
export const DISCARD: Peer = { name: 'discard', isDurable: false, hasDigest: false, start: startDiscard };

const RAW = ['host: 127.0.0.1', 'content-type: application/octet-stream', 'content-length: {bytes}'];

async function startOurs(lab: Lab, transport: string): Promise<Running> {
  // One worker: they are not asked to do anything here, and each is a process whose memory is not the upload's.
  const { pid, origin, dataDir } = await lab.start({ transport, flags: ['--workers', '1'] });
  const clean = async (ids: readonly string[]) => {
    for (const id of ids) await (await request(`${origin}/v1/files/${id}`, { method: 'DELETE' })).body.dump();
  };
  const port = Number(new URL(origin).port);
  return { pid, memoryOf: 'process', port, head: ['POST /file HTTP/1.1', ...RAW], folder: dataDir, clean };
}

async function startPlainPipe(lab: Lab): Promise<Running> {
  return startNode(lab, 'plain-pipe', ['POST /file HTTP/1.1', ...RAW]);
}

async function startDiscard(lab: Lab): Promise<Running> {
  return startNode(lab, 'discard', ['POST / HTTP/1.1', ...RAW]);
}

async function startTus(lab: Lab): Promise<Running> {
  const headers = ['host: 127.0.0.1', 'tus-resumable: 1.0.0', 'upload-length: {bytes}', 'content-length: {bytes}'];
  const head = ['POST /files HTTP/1.1', ...headers, 'content-type: application/offset+octet-stream'];
  return startNode(lab, 'tus', head);
}

async function startNode(lab: Lab, name: string, head: readonly string[]): Promise<Running> {
  const folder = await lab.folder(`peer-${name}`);
  const args = [join(PEERS_FOLDER, `${name}.ts`), folder];
  const child = await startChild({ command: process.execPath, args, ready: /"port":(\d+)/ });
  lab.defer(async () => {
    await child.stop();
  });
  return {
    pid: child.pid,
    memoryOf: 'process',
    port: Number(child.matched[1]),
    head,
    folder,
    clean: () => emptyFolder(folder),
  };
}

async function startFastapi(lab: Lab): Promise<Running | string> {
  const probe = await runProgram(PYTHON, ['-c', 'import fastapi, uvicorn, aiofiles'], lab.signal);
  if (probe.code !== 0) return 'not installed: python3-fastapi, python3-uvicorn, python3-aiofiles';
  const folder = await lab.folder('peer-fastapi');
  const child = await startChild({
    command: PYTHON,
    args: ['-m', 'uvicorn', 'two_coroutine:app', '--app-dir', PEERS_FOLDER, '--port', '0', '--no-access-log'],
    ready: /running on http:\/\/[\d.]+:(\d+)/,
    env: { FOLDER: folder, PYTHONDONTWRITEBYTECODE: '1' },
  });
  lab.defer(async () => {
    await child.stop();
  });
  const head = ['POST /file HTTP/1.1', ...RAW];
  return {
    pid: child.pid,
    memoryOf: 'process',
    port: Number(child.matched[1]),
    head,
    folder,
    clean: () => emptyFolder(folder),
  };
}

/** Removes what a peer stored and keeps the folder itself. */
async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
