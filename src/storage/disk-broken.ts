import { toAppError } from '../core/errors.ts';
import { BrokenGrowing } from './storage.ts';

export interface BrokenIds {
  /** Error: `BrokenGrowing`, the first one of this id. */
  assertSound(id: string): void;
  /** Does what makes the bytes of `id` durable. Error: `BrokenGrowing`. */
  flush<T>(id: string, act: () => Promise<T>): Promise<T>;
  /** It is deleted. */
  forget(id: string): void;
}

/**
 * The growing blobs of which a flush has failed. The first failure is final, whichever descriptor it came by: Linux reports
 * it once, so that a later flush could succeed although bytes were lost.
 */
export function createBrokenIds(onOutcome: (error: unknown) => void): BrokenIds {
  const failures = new Map<string, BrokenGrowing>();

  function assertSound(id: string): void {
    const failure = failures.get(id);
    if (failure) throw failure;
  }

  return {
    assertSound,
    async flush(id, act) {
      assertSound(id);
      try {
        return await act();
      } catch (error) {
        onOutcome(error);
        const { code, message, retryAfterS } = toAppError(error);
        const retry = retryAfterS === undefined ? {} : { retryAfterS };
        const failure = new BrokenGrowing(code, message, { cause: error, ...retry });
        if (!failures.has(id)) failures.set(id, failure);
        throw failure;
      }
    },
    forget: (id) => void failures.delete(id),
  };
}
