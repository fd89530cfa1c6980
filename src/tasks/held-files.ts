import type { Storage } from '../storage/storage.ts';
import type { UnitFile } from '../workers/workers.ts';

export interface HeldFiles extends AsyncDisposable {
  readonly files: readonly UnitFile[];
}

/** Local paths of the stored files, held until disposed; `fields`: the task's name for each. */
export async function holdFiles(
  storage: Storage,
  ids: readonly string[],
  fields: readonly string[],
): Promise<HeldFiles> {
  const held = new AsyncDisposableStack();
  try {
    const files: UnitFile[] = [];
    for (const [index, id] of ids.entries()) {
      const key = `files/${id}`;
      const info = await storage.stat(key);
      const { path, release } = await storage.materialize(key);
      held.defer(release);
      const { name, sha256, mediaType } = info?.meta ?? {};
      files.push({
        id,
        field: fields[index] ?? '',
        path,
        size: info?.size ?? 0,
        name: String(name),
        sha256: String(sha256),
        mediaType: String(mediaType),
      });
    }
    return { files, [Symbol.asyncDispose]: () => held.disposeAsync() };
  } catch (error) {
    await held.disposeAsync();
    throw error;
  }
}
