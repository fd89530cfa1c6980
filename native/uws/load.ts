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
import { boundReads } from './bound-reads.ts';
import { guardRequests } from './guard-requests.ts';
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
  | {
      readonly ok: true;
      readonly uws: UwsModule;
      /** Why a paused upload may nevertheless fill the memory, see bound-reads.ts; undefined: it does not. */
      readonly unbounded: string | undefined;
      /** Why requests may be hidden in others, or be lost behind others, see guard-requests.ts; undefined: they may not. */
      readonly unguarded: string | undefined;
    }
  | { readonly ok: false; readonly reason: string };

type Attempt = { readonly ok: true; readonly uws: UwsModule } | { readonly ok: false; readonly reason: string };

/** Bytes; uWS's own 4 KB are too few for cookies, long queries or tus metadata. Read by the binary when it is loaded. */
const MAX_HEADERS = ['UWS_HTTP_MAX_HEADERS_SIZE', '16384'] as const;

/** Loads the binary of uWebSockets.js that fits this Node: a copy that any glibc can load, with what is patched here. */
export function loadUws(): Loaded {
  const found = findBinary();
  if (found.path === undefined) return { ok: false, reason: found.reason };
  const [name, bytes] = MAX_HEADERS;
  process.env[name] ??= bytes;

  const original = readFileSync(found.path);
  const relinked = relink(original);
  const base = relinked.ok ? relinked.bytes : original;
  const bounded = boundReads(base);
  const guarded = guardRequests(bounded.ok ? bounded.bytes : base);
  const patched = [guarded, bounded, relinked].find((step) => step.ok)?.bytes;
  const loaded = patched ? openCopy(patched, join(dirname(found.path), '..', '.cache', 'penstock')) : open(found.path);
  if (loaded.ok)
    return {
      ...loaded,
      unbounded: bounded.ok ? undefined : bounded.reason,
      unguarded: guarded.ok ? undefined : guarded.reason,
    };
  return { ok: false, reason: relinked.ok ? loaded.reason : `${loaded.reason} (not re-linked: ${relinked.reason})` };
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
