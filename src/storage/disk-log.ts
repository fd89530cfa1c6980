import { readFile } from 'node:fs/promises';
import { AppError, systemCode, toAppError } from '../core/errors.ts';
import { LogFile, type LogPlace } from './disk-log-file.ts';
import { isKey, type Meta } from './storage.ts';

/** The log is written anew where it is longer than this and than twice what lives in it. */
const REWRITE_BYTES = 4 * 2 ** 20;

export interface DiskLogOptions extends LogPlace {
  /** Told of each error of the disk, and of each durable write that went well as undefined. */
  readonly onOutcome: (error: unknown) => void;
  readonly rewriteBytes?: number;
}

interface Entry {
  readonly line: string;
  readonly isDurable: boolean;
  /** It goes through on a full disk, and its caller is not told where even that fails. */
  readonly isVital: boolean;
  readonly onWritten: () => void;
  readonly promise: PromiseWithResolvers<void>;
}

/**
 * Small records that come and go by the thousand a second, where a file each would be slow: ext4 passes over every inode that
 * was freed within the last five seconds when it makes a file, and each fdatasync of a new one is a transaction. They are in
 * memory, and on disk in one file that is appended to: all that wait share a write and an fdatasync (group commit).
 *
 *     ["pending/01J...",{...}]      put
 *     ["pending/01J..."]            deleted
 *
 * A process that starts reads it. Its first write, the first after an error, and each once too much of it is dead, begin a new file.
 */
export class DiskLog {
  readonly #options: DiskLogOptions;
  readonly #rewriteBytes: number;
  /** Each key's line. */
  readonly #live: Map<string, string>;
  readonly #coming = new Set<string>();
  #liveBytes = 0;
  #waiting: Entry[] = [];
  #file: LogFile | undefined;
  #writing: Promise<void> | undefined;

  private constructor(options: DiskLogOptions, live: Map<string, string>) {
    this.#options = options;
    this.#rewriteBytes = options.rewriteBytes ?? REWRITE_BYTES;
    this.#live = live;
    for (const line of live.values()) this.#liveBytes += line.length;
  }

  static async open(options: DiskLogOptions): Promise<DiskLog> {
    return new DiskLog(options, await readLog(options.layout.log));
  }

  find(key: string): Meta | undefined {
    const line = this.#live.get(key);
    return line === undefined ? undefined : (JSON.parse(line)[1] as Meta);
  }

  keys(): Iterable<string> {
    return this.#live.keys();
  }

  /** On return it outlives the process, and power loss if `isDurable`. Errors: `conflict`, `storage_full`. */
  async put(key: string, meta: Meta, isDurable: boolean): Promise<void> {
    if (this.#live.has(key) || this.#coming.has(key)) throw new AppError('conflict', `${key} exists`);
    this.#coming.add(key);
    const line = `${JSON.stringify([key, meta])}\n`;
    const onWritten = () => {
      this.#live.set(key, line);
      this.#liveBytes += line.length;
    };
    try {
      await this.#append({ line, isDurable, isVital: false, onWritten });
    } finally {
      this.#coming.delete(key);
    }
  }

  /** Idempotent. Outlives the process, unless the disk is broken: then from the next write that succeeds. */
  async delete(key: string): Promise<void> {
    const line = this.#live.get(key);
    if (line === undefined) return;
    this.#live.delete(key);
    this.#liveBytes -= line.length;
    const deletion = `${JSON.stringify([key])}\n`;
    await this.#append({ line: deletion, isDurable: false, isVital: true, onWritten: () => undefined });
  }

  /** What was put survives power loss on return. */
  async sync(): Promise<void> {
    await this.#append({ line: '', isDurable: true, isVital: false, onWritten: () => undefined });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#abandon();
  }

  #append(entry: Omit<Entry, 'promise'>): Promise<void> {
    const promise = Promise.withResolvers<void>();
    this.#waiting.push({ ...entry, promise });
    this.#writing ??= this.#writeAll();
    return promise.promise;
  }

  async #writeAll(): Promise<void> {
    // Whoever comes in this turn of the event loop goes along.
    await null;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        for (const { onWritten, promise } of await this.#write(batch)) {
          onWritten();
          promise.resolve();
        }
      } catch (error) {
        this.#options.onOutcome(error);
        await this.#abandon();
        for (const entry of batch) refuse(entry, error);
      }
    }
    this.#writing = undefined;
  }

  /** Gives those that were written; the others have been refused. */
  async #write(batch: readonly Entry[]): Promise<readonly Entry[]> {
    const size = this.#file?.size ?? 0;
    if (size > this.#rewriteBytes && size > 2 * this.#liveBytes) await this.#abandon();
    this.#file ??= await LogFile.begin(this.#options, [...this.#live.values()].join(''));
    const taken = await fitting(this.#file, batch);
    await this.#file.append(textOf(taken));
    if (taken.some(({ isDurable }) => isDurable)) {
      await this.#file.sync();
      this.#options.onOutcome(undefined);
    }
    return taken;
  }

  async #abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await Promise.allSettled([file?.close()]);
  }
}

/** Where the disk is full, what is vital has the reserve; the others are refused. */
async function fitting(file: LogFile, batch: readonly Entry[]): Promise<readonly Entry[]> {
  try {
    await file.reserve(Buffer.byteLength(textOf(batch)));
    return batch;
  } catch (error) {
    const vital = batch.filter(({ isVital }) => isVital);
    if (vital.length === 0 || !file.hasRoom(Buffer.byteLength(textOf(vital)))) throw error;
    for (const entry of batch) if (!entry.isVital) refuse(entry, error);
    return vital;
  }
}

function textOf(entries: readonly Entry[]): string {
  return entries.map(({ line }) => line).join('');
}

/** A deletion that cannot be written is made good by the next file, which does not hold the key. */
function refuse({ isVital, promise }: Entry, error: unknown): void {
  if (isVital) promise.resolve();
  else promise.reject(toAppError(error));
}

/** What a kill in the midst of a write has torn is no entry, nor is what we cannot have written. */
async function readLog(path: string): Promise<Map<string, string>> {
  const live = new Map<string, string>();
  for (const line of (await readOrNothing(path)).split('\n')) {
    const [key, meta] = parse(line);
    if (key === undefined) continue;
    if (meta === undefined) live.delete(key);
    else live.set(key, `${line}\n`);
  }
  return live;
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function parse(line: string): [key?: string, meta?: object] {
  try {
    const entry: unknown = JSON.parse(line);
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !isKey(entry[0])) return [];
    if (entry.length === 1) return [entry[0]];
    return typeof entry[1] === 'object' && entry[1] !== null ? [entry[0], entry[1]] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
