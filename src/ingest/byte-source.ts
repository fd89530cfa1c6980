/** Bytes that are pulled: whoever reads decides when, so back-pressure is simply not asking. */
export interface ByteSource {
  /**
   * The next chunk, the caller's own; undefined at the end. One call at a time. Rejects when the bytes cannot be had in full,
   * or with the signal's reason.
   */
  next(signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * From now on small chunks may be given out together; `onCame` is told of all bytes as they come. For sources that gain
   * by it.
   */
  gather?(onCame: (bytes: number) => void): void;
  /** Takes back a chunk that its owner is done with; its memory is gone then, or used again. For sources that gain by it. */
  recycle?(chunk: Uint8Array): void;
}

/** A source whose end and whose error are final: asked again it says the same, so that a part never passes for the whole. */
export function createByteSource(pull: ByteSource['next']): ByteSource {
  let outcome: { readonly error?: unknown } | undefined;
  return {
    async next(signal) {
      if (outcome && 'error' in outcome) throw outcome.error;
      if (outcome) return undefined;
      try {
        const chunk = await pull(signal);
        if (!chunk) outcome = {};
        return chunk;
      } catch (error) {
        outcome = { error };
        throw error;
      }
    },
  };
}

/** What was taken off the front of a source put back there. */
export function prepend(first: Uint8Array, source: ByteSource): ByteSource {
  let front: Uint8Array | undefined = first;
  return createByteSource(async (signal) => {
    const chunk = front ?? (await source.next(signal));
    front = undefined;
    return chunk;
  });
}

/** A text as bytes. */
export function sourceOf(text: string): ByteSource {
  const bytes = [Buffer.from(text)];
  return createByteSource(async () => bytes.pop());
}

/** Reads what is left and forgets it. */
export async function drain(source: ByteSource, signal?: AbortSignal): Promise<void> {
  while (await source.next(signal));
}
