import { AppError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import type { ExpectedDigest } from './digest-check.ts';
import type { MinRate } from './rate-clock.ts';
import type { StoredFile } from './stored-file.ts';

export const DEFAULT_NAME = 'upload';

/** A body on its way in, with what its headers say. */
export interface Delivery {
  readonly body: ByteSource;
  readonly contentType: string;
  readonly name: string | undefined;
  readonly declaredBytes: number | undefined;
  readonly maxBytes: number;
  readonly minRate: MinRate | undefined;
  /** Of the body as it is sent. */
  readonly expectedDigests: readonly ExpectedDigest[];
  readonly signal: AbortSignal;
  /** Whose files they are, and who may point to stored ones. */
  readonly caller?: string | undefined;
  /** Members of a JSON body that may be files themselves. */
  readonly fileMembers: readonly string[];
}

export interface DeliveredFile {
  /** Name of the form field; undefined outside of forms. */
  readonly field: string | undefined;
  readonly file: StoredFile;
}

/** What bounds bytes that come from elsewhere than the body. */
export type BringLimits = Pick<Delivery, 'maxBytes' | 'signal' | 'caller'>;

export interface Delivered {
  readonly files: readonly DeliveredFile[];
  /** Form fields, or the other members of the JSON object. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Takes back what this delivery stored: for whoever refuses it after all. */
  undo(): Promise<void>;
}

/** Runs one delivery; what it stored until it failed is taken back. */
export type ReceiveAll = (
  read: (keep: (file: StoredFile) => StoredFile) => Promise<Omit<Delivered, 'undo'>>,
) => Promise<Delivered>;

/** What the `name` of a JSON object says; null is like not there. Error: `bad_request`. */
export function nameIn({ name }: Readonly<Record<string, unknown>>, otherwise = DEFAULT_NAME): string {
  if (name == null) return otherwise;
  if (typeof name === 'string') return name;
  throw new AppError('bad_request', '"name" must be a string');
}
