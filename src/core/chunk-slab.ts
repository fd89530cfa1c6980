/** Chunks up to this size are small: packets of a slow line. */
export const SMALL_BYTES = 2 * 1024;
/** Of several packets. */
const SLAB_BYTES = 4 * 1024;

/**
 * Memory for the chunks of one body that is not gathered (http/body.ts): small ones lie side by side in a slab, since a buffer
 * for each packet of thousands of slow uploads keeps the garbage collector busy. It belongs to one body, so that what waits
 * there holds on to nobody else's bytes.
 */
export class ChunkSlab {
  #slab: Buffer | undefined;
  #used = SLAB_BYTES;
  /** Most bodies of one small chunk have no second. */
  #hasBegun = false;

  /** The same bytes in memory that stays theirs. */
  copy(chunk: Uint8Array): Uint8Array {
    const size = chunk.byteLength;
    const isAlone = size > SMALL_BYTES || !this.#hasBegun;
    this.#hasBegun = true;
    if (isAlone) {
      const own = Buffer.allocUnsafeSlow(size);
      own.set(chunk);
      return own;
    }
    if (this.#slab === undefined || this.#used + size > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    this.#slab.set(chunk, this.#used);
    this.#used += size;
    return this.#slab.subarray(this.#used - size, this.#used);
  }
}

/** Chunks that lie side by side in one buffer as one piece: each piece costs the system call and the digest its part. */
export function joinNeighbours(chunks: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const chunk of chunks) {
    const last = pieces.at(-1);
    const isNext = last?.buffer === chunk.buffer && last.byteOffset + last.byteLength === chunk.byteOffset;
    if (isNext)
      pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + chunk.byteLength);
    else pieces.push(chunk);
  }
  return pieces;
}
