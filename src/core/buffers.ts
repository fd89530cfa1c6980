/** Memory that is used again. */
export interface Buffers {
  take(): Uint8Array;
  /** The buffer of a chunk that came from here, which is not touched any more; others are left alone, and are false. */
  giveBack(chunk: Uint8Array): boolean;
}

/**
 * Buffers of one size. Fresh memory for each chunk of 1 GB costs 30 full garbage collections, and the kernel a page fault for
 * each 4 KB (measured). No more than `maxFree` are kept that nobody uses.
 */
export function createBuffers(bytes: number, maxFree = Number.POSITIVE_INFINITY): Buffers {
  const free: Uint8Array[] = [];
  const own = new WeakSet<ArrayBufferLike>();
  return {
    take() {
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(bytes);
      own.add(buffer.buffer);
      return buffer;
    },
    giveBack(chunk) {
      const { buffer } = chunk;
      if (!own.delete(buffer)) return false;
      if (free.length < maxFree) free.push(chunk.byteLength === bytes ? chunk : new Uint8Array(buffer));
      return true;
    },
  };
}
