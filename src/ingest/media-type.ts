import { fileTypeFromBuffer } from 'file-type';

/** As much of a file's start as the known signatures need. */
export const HEAD_BYTES = 4100;
/** Kinds of text that only the sender can tell from one another; none of them runs in a browser. */
const TEXT_TYPES: ReadonlySet<string> = new Set(['application/json', 'text/csv', 'text/markdown']);
/** What does not occur in text: control characters but tab, line feed, form feed, carriage return and escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** Keeps a copy of the first bytes of a stream. */
export class Head {
  // Not from Buffer's pool: one small slice would keep all of a slab.
  readonly #bytes = new Uint8Array(HEAD_BYTES);
  #length = 0;

  add(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (this.#length === HEAD_BYTES) return;
      const part = chunk.subarray(0, HEAD_BYTES - this.#length);
      this.#bytes.set(part, this.#length);
      this.#length += part.byteLength;
    }
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** The media type that a file's first bytes tell; what its sender says only tells one kind of text from another. */
export async function mediaTypeOf(head: Uint8Array, declaredType: string | undefined): Promise<string> {
  const known = await fileTypeFromBuffer(head);
  if (known) return known.mime;
  if (head.byteLength === 0 || !isText(head)) return 'application/octet-stream';
  const declared = declaredType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return TEXT_TYPES.has(declared) ? declared : 'text/plain';
}

/** UTF-8, whose last character may be cut. */
function isText(head: Uint8Array): boolean {
  try {
    return !BINARY.test(new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true }));
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
