import { setPriority } from 'node:os';
import type { Lab } from './lab.ts';
import type { Outcome, Tally } from './outcome.ts';

/** How many clients come, how fast, and what each does. */
export interface CrowdOptions {
  readonly lab: Lab;
  readonly clients: number;
  /** The clients start spread evenly over this time. */
  readonly rampMs: number;
  readonly tally: Tally;
  readonly upload: (client: number) => Promise<Outcome>;
}

/** The crowd while it is under way; the numbers are live. */
export interface Crowd {
  /** Uploads under way now, and at most so far. */
  readonly active: number;
  readonly peak: number;
  /** All clients have ended. */
  readonly done: Promise<void>;
  /** All clients have started. */
  readonly started: Promise<void>;
}

/** Of this thread alone (nice(2)): with two cores, thousands of clients would otherwise take turns with what is measured. */
const NICENESS = 10;

/** One upload per client, all at once but for the ramp. */
export function startCrowd({ lab, clients, rampMs, tally, upload }: CrowdOptions): Crowd {
  setPriority(NICENESS);
  let [active, peak] = [0, 0];
  const one = async (client: number) => {
    active += 1;
    peak = Math.max(peak, active);
    tally.add(await upload(client));
    active -= 1;
  };
  const running: Promise<void>[] = [];
  const start = async () => {
    const from = performance.now();
    while (running.length < clients && !lab.signal.aborted) {
      const due = Math.min(clients, Math.ceil((clients * (performance.now() - from + 1)) / rampMs));
      while (running.length < due) running.push(one(running.length));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const started = start();
  return {
    get active() {
      return active;
    },
    get peak() {
      return peak;
    },
    started,
    done: started.then(() => Promise.all(running)).then(() => undefined),
  };
}

/** `workers` loops that each do one step after the other until `endMs` (performance.now) or the signal. */
export async function repeatUntil(
  endMs: number,
  { lab, workers, step }: { lab: Lab; workers: number; step: (worker: number) => Promise<void> },
): Promise<void> {
  const loop = async (worker: number) => {
    while (performance.now() < endMs && !lab.signal.aborted) await step(worker);
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)));
}
