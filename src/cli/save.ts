import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse as parseDisposition } from 'content-disposition';
import type { Session } from './session.ts';

/** Something of a result that can be fetched. */
interface Linked {
  readonly url: string;
  readonly name?: unknown;
}

export interface Saver {
  /** Saves what the value links to and was not saved yet; the paths of what is new. */
  save(value: unknown): Promise<string[]>;
  readonly paths: readonly string[];
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/webp': '.webp',
  'application/pdf': '.pdf',
  'application/json': '.json',
  'text/plain': '.txt',
};

/** Fetches the files of a result into a folder, each whole or not at all, and each once. */
export async function createSaver({ client, url, signal }: Session, folder: string): Promise<Saver> {
  await mkdir(folder, { recursive: true });
  const { origin } = new URL(url);
  const saved = new Map<string, string>();

  async function saveOne({ url, name }: Linked): Promise<string> {
    const response = await client.download(url, { signal });
    const path = join(folder, freeName(nameOf(url, name, response)));
    const partial = `${path}.part`;
    try {
      if (response.body) await pipeline(Readable.fromWeb(response.body), createWriteStream(partial), { signal });
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return path;
  }

  /** Two files of one result may have one name. */
  function freeName(name: string): string {
    const taken = new Set([...saved.values()].map((path) => basename(path)));
    const [end, start] = [extname(name), basename(name, extname(name))];
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${start}-${count}${end}`;
    return free;
  }

  return {
    async save(value) {
      const fresh: string[] = [];
      for (const linked of linksIn(value)) {
        // What a task links to elsewhere is not its result's file.
        if (saved.has(linked.url) || new URL(linked.url).origin !== origin) continue;
        const path = await saveOne(linked);
        saved.set(linked.url, path);
        fresh.push(path);
      }
      return fresh;
    },
    get paths() {
      return [...saved.values()];
    },
  };
}

function linksIn(value: unknown): Linked[] {
  if (Array.isArray(value)) return value.flatMap(linksIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = 'url' in value && typeof value.url === 'string' && /^https?:/.test(value.url) ? [value as Linked] : [];
  return [...own, ...Object.values(value).flatMap(linksIn)];
}

/** What the result calls it, else what the answer does, else the end of its address. */
function nameOf(url: string, given: unknown, { headers }: Response): string {
  const disposition = headers.get('content-disposition');
  const sent = disposition === null ? undefined : parseDisposition(disposition).parameters.filename;
  const name = typeof given === 'string' && given !== '' ? given : (sent ?? new URL(url).pathname.split('/').at(-1));
  const safe = basename(name ?? '').replace(/^\.+/, '') || 'result';
  const [type = ''] = (headers.get('content-type') ?? '').split(';');
  return extname(safe) === '' ? safe + (EXTENSIONS[type] ?? '') : safe;
}
