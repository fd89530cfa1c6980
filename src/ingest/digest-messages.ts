/** Names as `crypto.createHash` knows them. */
export type HashName = 'sha256' | 'sha512' | 'sha1' | 'md5';

/** By algorithm. */
export type Digests = ReadonlyMap<HashName, Uint8Array>;

/** To the digest thread: `start`, any number of `advance` (the file has so many bytes now), then `finish` or `drop`. */
export type ToDigestThread =
  | { readonly type: 'start'; readonly id: number; readonly algorithms: readonly HashName[] }
  | { readonly type: 'advance'; readonly id: number; readonly path: string; readonly to: number }
  | { readonly type: 'finish'; readonly id: number }
  | { readonly type: 'drop'; readonly id: number };

/** `failed` can come at any time and is the last word on its id; `code` is the error's, which does not survive the message. */
export type FromDigestThread =
  | { readonly type: 'done'; readonly id: number; readonly digests: Digests }
  | { readonly type: 'failed'; readonly id: number; readonly error: Error; readonly code: string | undefined };
