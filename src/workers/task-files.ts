import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileTypeFromFile } from 'file-type';
import type { LazyFolder } from '../core/lazy-folder.ts';
import type { CallContext, FileSlots, FilesOf, Output, ResultFile, TaskFile } from '../tasks/task.ts';
import type { UnitFile } from './protocol.ts';

/** The files of a call as its function gets them: by name, one, or several where the task says `many`. */
export function openFiles(slots: FileSlots, files: readonly UnitFile[]): FilesOf<FileSlots> {
  const byName: Record<string, unknown> = {};
  for (const [name, slot] of Object.entries(slots)) {
    const mine = files.filter(({ field }) => field === name).map(openFile);
    byName[name] = typeof slot === 'object' && slot.many ? mine : mine[0];
  }
  return byName as FilesOf<FileSlots>;
}

function openFile({ id, name, size, mediaType, sha256, path }: UnitFile): TaskFile {
  return {
    ...{ id, name, size, mediaType, sha256, path },
    stream: () => createReadStream(path),
    bytes: async () => new Uint8Array(await readFile(path)),
  };
}

/** Types of text, which no signature tells. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.ndjson': 'application/x-ndjson',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
};

/** Makes `context.file`: `announce` is told of each file that is to be stored with the job, once it lies in `folder`. */
export function createResultFiles(folder: LazyFolder, announce: (output: Output) => void): CallContext['file'] {
  let count = 0;

  return async (name, content, { mediaType, as = 'link' } = {}): Promise<ResultFile> => {
    count += 1;
    const file = `result-${count}`;
    const path = join(folder.path, file);
    if (isPath(content)) await copyFile(content.path, path);
    else await writeFile(path, content);
    const { size } = await stat(path);
    const sha256 = await digest(path);
    const type = mediaType ?? (await typeOf(path, name));
    const facts = { name, media_type: type, size, sha256 };
    if (as === 'base64') return { ...facts, base64: await readFile(path, 'base64') };
    const key = `files/${count}`;
    announce({ file, key, mediaType: type, sha256, name });
    return { ...facts, url: key };
  };
}

function isPath(content: Uint8Array | string | { readonly path: string }): content is { readonly path: string } {
  return typeof content === 'object' && 'path' in content;
}

async function typeOf(path: string, name: string): Promise<string> {
  const known = await fileTypeFromFile(path);
  return known?.mime ?? TEXT_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream';
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
