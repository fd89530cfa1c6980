import { isId } from '../core/ids.ts';
import { mayUse } from '../core/owner.ts';
import type { BlobBytes, ByteRange, Storage } from '../storage/storage.ts';
import { FILES, fileKey, fromBlob, type StoredFile } from './stored-file.ts';

/** Stored files by id. An id that is none is only a file that does not exist. */
export interface Files {
  get(id: string): Promise<StoredFile | undefined>;
  /** Error: `not_found`. */
  open(id: string, range?: ByteRange): Promise<BlobBytes>;
  delete(id: string): Promise<void>;
  /**
   * The file stored last of those that exist and that the caller may use. After a restart, a deletion, or where callers have
   * files of their own: the one whose upload began last, since that is what ids tell.
   */
  newest(caller?: string): Promise<StoredFile | undefined>;
  /** Told of each file by whoever stores it, so that `newest` needs no listing. */
  noteStored(file: StoredFile): void;
}

export async function createFiles({ storage }: { readonly storage: Storage }): Promise<Files> {
  let newestId = await findNewest();

  async function findNewest(): Promise<string | undefined> {
    const options = { limit: 1, isReversed: true, isWanted: (key: string) => isId(key.slice(FILES.length)) };
    for await (const { key } of storage.list(FILES, options)) return key.slice(FILES.length);
    return undefined;
  }

  async function get(id: string): Promise<StoredFile | undefined> {
    const info = isId(id) ? await storage.stat(fileKey(id)) : undefined;
    return info && fromBlob(info);
  }

  async function newestOf(caller: string | undefined): Promise<StoredFile | undefined> {
    const isWanted = (key: string) => isId(key.slice(FILES.length)) && mayUse(caller, key.slice(FILES.length));
    for await (const info of storage.list(FILES, { limit: 1, isReversed: true, isWanted })) return fromBlob(info);
    return undefined;
  }

  async function newest(caller?: string): Promise<StoredFile | undefined> {
    if (newestId === undefined) return undefined;
    const file = await get(newestId);
    if (file && mayUse(caller, file.id)) return file;
    // Deleted, here or by the retention, or somebody else's: look for the one before it.
    if (!file) newestId = await findNewest();
    return await newestOf(caller);
  }

  return {
    get,
    open: (id, range) => storage.open(fileKey(id), range),
    async delete(id) {
      if (isId(id)) await storage.delete(fileKey(id));
    },
    newest,
    noteStored({ id }) {
      newestId = id;
    },
  };
}
