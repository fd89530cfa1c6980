import type {
  ListenOptions,
  TemplatedApp,
  us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
} from 'uWebSockets.js';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { relink } from './relink.ts';

/** With the form of `listen` that its own declarations leave out. */
export type UwsApp = TemplatedApp & {
  listen(
    host: string,
    port: number,
    options: ListenOptions,
    done: (socket: us_listen_socket | false) => void,
  ): TemplatedApp;
};

/** What of uWebSockets.js is used here. */
export interface UwsModule {
  readonly App: () => UwsApp;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: ListenOptions;
  readonly us_listen_socket_close: typeof us_listen_socket_close;
  readonly us_socket_local_port: typeof us_socket_local_port;
}

export type Loaded =
  /** `isRelinked`: a copy for an older glibc was loaded. */
  | { readonly ok: true; readonly uws: UwsModule; readonly isRelinked: boolean }
  | { readonly ok: false; readonly reason: string };

type Attempt = { readonly ok: true; readonly uws: UwsModule } | { readonly ok: false; readonly reason: string };

/** What the dynamic linker says on a glibc before 2.38. */
const OLD_GLIBC = /GLIBC_2\.38' not found/;

/** Bytes; uWS's own 4 KB are too few for cookies, long queries or tus metadata. Read by the binary when it is loaded. */
const MAX_HEADERS = ['UWS_HTTP_MAX_HEADERS_SIZE', '16384'] as const;

/** Loads the binary of uWebSockets.js that fits this Node, re-linked where the system's glibc is older than it asks for. */
export function loadUws(): Loaded {
  const found = findBinary();
  if (found.path === undefined) return { ok: false, reason: found.reason };
  const [name, bytes] = MAX_HEADERS;
  process.env[name] ??= bytes;
  const direct = open(found.path);
  if (direct.ok) return { ...direct, isRelinked: false };
  if (!OLD_GLIBC.test(direct.reason)) return direct;

  const relinked = relink(readFileSync(found.path));
  if (!relinked.ok)
    return { ok: false, reason: `glibc is older than 2.38 and the binary was not re-linked: ${relinked.reason}` };
  const loaded = openCopy(relinked.bytes, join(dirname(found.path), '..', '.cache', 'penstock'));
  return loaded.ok ? { ...loaded, isRelinked: true } : loaded;
}

function findBinary(): { path: string } | { path: undefined; reason: string } {
  const build = `${process.platform}_${process.arch}_${process.versions.modules}`;
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve('uWebSockets.js')), `uws_${build}.node`);
    return existsSync(path) ? { path } : { path: undefined, reason: `uWebSockets.js has no binary for ${build}` };
  } catch (error) {
    return { path: undefined, reason: `uWebSockets.js is not installed: ${messageOf(error)}` };
  }
}

/** By require, not process.dlopen, so that a second call gets the same module. */
function open(path: string): Attempt {
  try {
    const uws: unknown = createRequire(import.meta.url)(path);
    return isUws(uws) ? { ok: true, uws } : { ok: false, reason: `${path} is not uWebSockets.js` };
  } catch (error) {
    return { ok: false, reason: messageOf(error) };
  }
}

/** Beside the packages, named by its content; where that is read-only, in a folder of this process alone. */
function openCopy(bytes: Buffer, cacheDir: string): Attempt {
  const name = `uws-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.node`;
  const cached = join(cacheDir, name);
  try {
    if (!existsSync(cached) || !readFileSync(cached).equals(bytes)) writeWhole(cached, bytes);
    return open(cached);
  } catch (error) {
    return openTemporary(bytes, error);
  }
}

function openTemporary(bytes: Buffer, cause: unknown): Attempt {
  try {
    const dir = mkdtempSync(join(tmpdir(), 'penstock-uws-'));
    try {
      const path = join(dir, 'uws.node');
      writeFileSync(path, bytes);
      return open(path);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  } catch (error) {
    return { ok: false, reason: `the re-linked copy could not be written: ${messageOf(cause)}; ${messageOf(error)}` };
  }
}

function writeWhole(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${randomUUID()}`;
  try {
    writeFileSync(partial, bytes, { flag: 'wx' });
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
}

function isUws(value: unknown): value is UwsModule {
  return typeof value === 'object' && value !== null && 'App' in value && 'us_listen_socket_close' in value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
