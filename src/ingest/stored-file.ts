import { AppError } from '../core/errors.ts';
import type { BlobInfo, Meta } from '../storage/storage.ts';

/** A file at rest, as everyone else sees it. */
export interface StoredFile {
  readonly id: string;
  /** The sender's name for it: metadata, never a path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Told from the content. */
  readonly mediaType: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

export const FILES = 'files/';

export function fileKey(id: string): string {
  return FILES + id;
}

export function toMeta({ name, sha256, mediaType, createdAt }: StoredFile): Meta {
  return { name, sha256, mediaType, createdAt };
}

/** Error: `internal`, for a blob that no file's meta was written with. */
export function fromBlob({ key, size, meta }: BlobInfo): StoredFile {
  function text(field: string): string {
    const value = meta[field];
    if (typeof value !== 'string') throw new AppError('internal', `the record of ${key} has no ${field}`);
    return value;
  }
  return {
    id: key.slice(FILES.length),
    name: text('name'),
    size,
    sha256: text('sha256'),
    mediaType: text('mediaType'),
    createdAt: text('createdAt'),
  };
}
