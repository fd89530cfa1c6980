/** Deliveries at once, of one receiver and in all: a receiver that hangs holds up itself alone. */
const MAX_PER_ORIGIN = 8;
const MAX_IN_ALL = 64;

export interface Lanes {
  /** Waits for a place; the return value gives it back. Error: the signal's reason. */
  enter(origin: string, signal: AbortSignal): Promise<() => void>;
}

export function createLanes(): Lanes {
  const lanes = new Map<string, Gate>();
  const all = createGate(MAX_IN_ALL);

  async function enter(origin: string, signal: AbortSignal): Promise<() => void> {
    const lane = lanes.get(origin) ?? createGate(MAX_PER_ORIGIN);
    lanes.set(origin, lane);
    // First the receiver's own gate, so that those behind it take no place of the others'.
    const leave = await lane.pass(signal);
    const close = () => {
      leave();
      if (lane.isEmpty()) lanes.delete(origin);
    };
    try {
      const leaveAll = await all.pass(signal);
      return () => {
        leaveAll();
        close();
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  return { enter };
}

interface Gate {
  pass(signal: AbortSignal): Promise<() => void>;
  isEmpty(): boolean;
}

/** First come, first served. */
function createGate(places: number): Gate {
  const waiting = new Set<() => void>();
  let inside = 0;

  function leave(): void {
    inside -= 1;
    const [next] = waiting;
    next?.();
  }

  async function pass(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (inside < places) inside += 1;
    else await turn(signal);
    return leave;
  }

  function turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (finish: () => void) => {
      waiting.delete(take);
      signal.removeEventListener('abort', giveUp);
      finish();
    };
    const take = () => {
      inside += 1;
      settle(resolve);
    };
    const giveUp = () => settle(() => reject(signal.reason));
    signal.addEventListener('abort', giveUp, { once: true });
    waiting.add(take);
    return promise;
  }

  return { pass, isEmpty: () => inside === 0 && waiting.size === 0 };
}
