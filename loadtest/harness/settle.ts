import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until it is so, or the time is up. Another process is watched here: it cannot be waited for by an event. */
export async function settles(isSo: () => Promise<boolean> | boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if (await isSo()) return true;
    await sleep(250);
  }
  return isSo();
}
