import { open } from 'node:fs/promises';

/** Makes the names in the folder at this path durable. */
export type DirSync = (path: string) => Promise<void>;

/**
 * Makes the names in a directory durable, one fsync for all who wait together (group commit).
 *
 *     sync A  -> [ fsync 1 ]
 *     sync B, C -> .. wait ..[ fsync 2 ]     fsync 1 may have begun before B's rename, so B cannot share it
 */
export function createDirSync(fsyncDir: DirSync = fsyncOnce): DirSync {
  const turns = new Map<string, Turn>();

  function start(path: string): Promise<void> {
    const turn: Turn = { running: fsyncDir(path).finally(() => end(path, turn)), next: undefined };
    turns.set(path, turn);
    return turn.running;
  }

  function end(path: string, turn: Turn): void {
    turns.delete(path);
    if (turn.next) start(path).then(turn.next.resolve, turn.next.reject);
  }

  return (path) => {
    const turn = turns.get(path);
    if (!turn) return start(path);
    turn.next ??= Promise.withResolvers<void>();
    return turn.next.promise;
  };
}

interface Turn {
  readonly running: Promise<void>;
  next: PromiseWithResolvers<void> | undefined;
}

/** A new descriptor each time: after a failed fsync the kernel calls the same pages clean, and a second try would lie. */
async function fsyncOnce(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
