import type { BlobInfo, ByteRange } from '../storage/storage.ts';

/** A job's output file: `meta` holds its media type and sha256. */
export interface OutputFile {
  readonly info: BlobInfo;
  open(range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
}

/** `pages/3`, a PNG -> `page-3.png`. */
export function fileNameOf(key: string, mediaType: string): string {
  const extension = mediaType.split('/')[1]?.replace(/[^a-z0-9]/g, '') ?? 'bin';
  return `${key.replace('pages/', 'page-').replaceAll('/', '-')}.${extension}`;
}

/** Where a job's output rests. */
export function outputKey(id: string, key: string): string {
  return `results/${id}/${key}`;
}
