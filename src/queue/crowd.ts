/** The live jobs of a task, by caller. */
export class Crowd {
  readonly #callers = new Map<string, number>();

  change(caller: string, by: 1 | -1): void {
    const count = (this.#callers.get(caller) ?? 0) + by;
    if (count > 0) this.#callers.set(caller, count);
    else this.#callers.delete(caller);
  }

  /**
   * How many have their turn before the caller's next one: all of its own, and of each other caller no more than these and
   * one, since callers take turns. `leftOut`: jobs that it passes, by caller.
   */
  ahead(caller: string, leftOut: ReadonlyMap<string, number>): number {
    const countOf = (name: string, count: number) => count - (leftOut.get(name) ?? 0);
    const own = countOf(caller, this.#callers.get(caller) ?? 0);
    let ahead = own;
    for (const [name, count] of this.#callers) if (name !== caller) ahead += Math.min(countOf(name, count), own + 1);
    return ahead;
  }
}
