import { fileTypeFromBuffer } from 'file-type';

/** As much of a file's start as the known signatures need. */
export const HEAD_BYTES = 4100;
/** Kinds of text that only the sender can tell from one another; none of them runs in a browser. */
const TEXT_TYPES: ReadonlySet<string> = new Set(['application/json', 'text/csv', 'text/markdown']);
/** What does not occur in text: control characters but tab, line feed, form feed, carriage return and escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** What a file's first bytes tell. */
interface Look {
  /** Of a known signature. */
  readonly mime: string | undefined;
  readonly isText: boolean;
}

/** Keeps a copy of the first bytes of a stream until there are enough to look at: thousands of slow uploads have a head each. */
export class Head {
  #bytes: Uint8Array | undefined;
  #length = 0;
  #look: Promise<Look> | undefined;

  add(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (this.#look) return;
      // Not from Buffer's pool: one small slice would keep all of a slab.
      this.#bytes ??= new Uint8Array(HEAD_BYTES);
      const part = chunk.subarray(0, HEAD_BYTES - this.#length);
      this.#bytes.set(part, this.#length);
      this.#length += part.byteLength;
      if (this.#length === HEAD_BYTES) void this.#lookNow();
    }
  }

  /** The media type that the bytes tell; what their sender says only tells one kind of text from another. */
  async mediaType(declaredType: string | undefined): Promise<string> {
    const { mime, isText } = await (this.#look ?? this.#lookNow());
    if (mime !== undefined) return mime;
    if (!isText) return 'application/octet-stream';
    const declared = declaredType?.split(';')[0]?.trim().toLowerCase() ?? '';
    return TEXT_TYPES.has(declared) ? declared : 'text/plain';
  }

  #lookNow(): Promise<Look> {
    this.#look = lookAt(this.#bytes?.subarray(0, this.#length) ?? new Uint8Array());
    this.#bytes = undefined;
    // It may fail long before anyone asks for it.
    this.#look.catch(() => undefined);
    return this.#look;
  }
}

async function lookAt(head: Uint8Array): Promise<Look> {
  const known = await fileTypeFromBuffer(head);
  return { mime: known?.mime, isText: head.byteLength > 0 && isText(head) };
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
