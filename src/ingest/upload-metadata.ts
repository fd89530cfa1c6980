import { AppError } from '../core/errors.ts';
import { decodeCanonical } from './base64.ts';

/** By key; values as UTF-8 text. */
export type UploadMetadata = ReadonlyMap<string, string>;

const PAIR = /^[ \t]*([\x21-\x2b\x2d-\x7e]+)(?: ([^ \t]*))?[ \t]*$/;

/**
 * Reads tus 1.0.0's `Upload-Metadata`: pairs of a key and a base64 value, separated by commas; keys are ASCII and unique, a
 * value may be empty. No text at all is no metadata, as some clients send it. Error: `bad_request`.
 */
export function parseUploadMetadata(header: string): UploadMetadata {
  const metadata = new Map<string, string>();
  if (header.trim() === '') return metadata;
  for (const pair of header.split(',')) {
    const [, key, encoded = ''] = PAIR.exec(pair) ?? [];
    const bytes = decodeCanonical(encoded);
    if (key === undefined)
      throw malformed('each pair is a key of visible ASCII characters, a space and a base64 value');
    if (!bytes) throw malformed(`the value of ${key} is not base64`);
    if (metadata.has(key)) throw malformed(`${key} stands in it twice`);
    metadata.set(key, Buffer.from(bytes).toString('utf8'));
  }
  return metadata;
}

/** The header for what `parseUploadMetadata` reads. */
export function formatUploadMetadata(metadata: UploadMetadata): string {
  return [...metadata].map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`.trimEnd()).join(',');
}

/** What the sender calls the file: the keys of tus-js-client, Uppy and tuspy. */
export function metadataName(metadata: UploadMetadata): string {
  return metadata.get('filename') || metadata.get('name') || 'upload';
}

/** The sender's media type, likewise. */
export function metadataType(metadata: UploadMetadata): string | undefined {
  return metadata.get('filetype') || metadata.get('type') || undefined;
}

function malformed(why: string): AppError {
  return new AppError('bad_request', `Upload-Metadata is refused: ${why}`);
}
