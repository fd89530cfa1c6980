import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BodySource, createBodySource } from './body.ts';
import { createRandom, type Random } from './random.ts';
import { type Server, type ServerOptions, startServer } from './server.ts';

/** Where one run takes place: its servers, files and randomness, all gone when it is disposed of. */
export interface Lab extends AsyncDisposable {
  readonly transport: string;
  readonly bodies: BodySource;
  readonly random: Random;
  /** Aborts on Ctrl-C and at the run's time limit. */
  readonly signal: AbortSignal;
  /** Peers that a bench was told to measure, by the start of their names; empty: all. */
  readonly only: readonly string[];
  /** Arguments after the scenario's name that are no flags, such as a folder. */
  readonly operands: readonly string[];
  /** A new empty folder. */
  folder(name: string): Promise<string>;
  /** A server of this run's build, transport (unless another is said) and extra flags. */
  start(options?: StartOptions): Promise<Server>;
  /** Done on disposal, last first. */
  defer(cleanup: () => Promise<void> | void): void;
  /** A line of progress. */
  say(text: string): void;
}

/** What a scenario may want otherwise than the run's own settings say. */
export type StartOptions = Partial<Omit<ServerOptions, 'entry'>>;

/** What the command line decides for a whole run. */
export interface LabOptions {
  readonly entry: string;
  readonly transport: string;
  readonly seed: number;
  readonly flags: readonly string[];
  readonly signal: AbortSignal;
  readonly only: readonly string[];
  readonly operands: readonly string[];
  /** Parent of the run's folder; default: the system's temporary folder. */
  readonly root?: string;
}

/** Makes the folder of the run; the caller disposes of the lab, however the run ends. */
export async function openLab({
  entry,
  transport,
  seed,
  flags,
  signal,
  only,
  operands,
  root,
}: LabOptions): Promise<Lab> {
  const home = await mkdtemp(join(root ?? tmpdir(), 'penstock-load-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const folder = async (name: string) => {
    const path = join(home, name);
    await mkdir(path, { recursive: true });
    return path;
  };
  let servers = 0;
  return {
    transport,
    bodies: createBodySource(seed),
    random: createRandom(seed),
    signal,
    only,
    operands,
    folder,
    async start(options = {}) {
      servers += 1;
      const dataDir = options.dataDir ?? (await folder(`data-${servers}`));
      const server = await startServer({
        ...{ entry, transport, ...options, dataDir },
        flags: [...(options.flags ?? []), ...flags],
      });
      stack.defer(async () => {
        await server.stop();
      });
      return server;
    },
    defer: (cleanup) => stack.defer(cleanup),
    say: (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
