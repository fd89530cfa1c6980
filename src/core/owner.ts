import { AppError } from './errors.ts';
import { isOwned } from './ids.ts';

const KEY = 'key:';

/** How a caller is named who has an API key. */
export function keyCaller(keyDigest: Buffer): string {
  return KEY + keyDigest.toString('hex').slice(0, 16);
}

/** Who owns what this caller makes; undefined: everybody, where no keys are asked for. */
export function ownerOf(caller: string | undefined): string | undefined {
  return caller?.startsWith(KEY) ? caller : undefined;
}

/** false: the job, file or upload of this id belongs to another key, or was made before there were keys. */
export function mayUse(caller: string | undefined, id: string): boolean {
  const owner = ownerOf(caller);
  return owner === undefined || isOwned(id, owner);
}

/** `find` rejects where there is nothing of this id, and that is what a stranger hears then. Error: `forbidden`. */
export async function assertOwn(caller: string, id: string, find: (id: string) => Promise<unknown>): Promise<void> {
  if (mayUse(caller, id)) return;
  await find(id);
  assertMayUse(caller, id);
}

/** For what exists. Error: `forbidden`. */
export function assertMayUse(caller: string | undefined, id: string): void {
  if (!mayUse(caller, id)) throw new AppError('forbidden', `${id.slice(0, 64)} belongs to another API key`);
}
