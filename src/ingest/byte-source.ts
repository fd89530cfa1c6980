/** Bytes that are pulled: whoever reads decides when, so back-pressure is simply not asking. */
export interface ByteSource {
  /**
   * The next chunk, the caller's own; undefined at the end, and again after it. One call at a time. Rejects when the bytes
   * cannot be had in full, or with the signal's reason.
   */
  next(signal?: AbortSignal): Promise<Uint8Array | undefined>;
}
