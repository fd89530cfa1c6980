import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Log } from '../core/log.ts';
import type { Unit } from '../workers/workers.ts';

/**
 * The folder that the units of one attempt at a job share; whichever of them first needs it makes it. A job ends at once
 * when its time is up or its caller has left, its units a little later: the folder goes when both are so.
 */
export class WorkFolder {
  readonly path: string;
  readonly #log: Log;
  readonly #atWork = new Set<Unit>();
  #isOver = false;

  constructor(path: string, log: Log) {
    this.path = path;
    this.#log = log;
  }

  enter(unit: Unit): void {
    this.#atWork.add(unit);
  }

  leave(unit: Unit): void {
    this.#atWork.delete(unit);
    if (!this.#isOver || this.#atWork.size > 0) return;
    this.#remove().catch((err) => this.#log.warn({ err, path: this.path }, 'it stays until the next start'));
  }

  /** The job is over: removes the folder, or leaves that to the last unit. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    if (this.#atWork.size === 0) await this.#remove();
  }

  async #remove(): Promise<void> {
    // Most jobs made none, and to be told so by rm would cost a thread's turn.
    if (existsSync(this.path)) await rm(this.path, { recursive: true, force: true });
  }
}
