/** Arrivals that are counted together. */
const BLOCK = 256;

/**
 * Ids in the order in which they came, of which any may leave, and how many are ahead of each. Counted by blocks, since with
 * tens of thousands that wait every accepted call asks for its place.
 */
export class Arrivals {
  readonly #numbers = new Map<string, number>();
  /** By number / BLOCK; a block that has been left by all is gone. In order. */
  readonly #blocks = new Map<number, Set<string>>();
  #next = 0;

  get size(): number {
    return this.#numbers.size;
  }

  /** At the end; does nothing if it is there. */
  add(id: string): void {
    if (this.#numbers.has(id)) return;
    const number = this.#next++;
    this.#numbers.set(id, number);
    const block = this.#blocks.get(Math.floor(number / BLOCK)) ?? new Set();
    this.#blocks.set(Math.floor(number / BLOCK), block.add(id));
  }

  delete(id: string): void {
    const number = this.#numbers.get(id);
    if (number === undefined) return;
    this.#numbers.delete(id);
    const block = this.#blocks.get(Math.floor(number / BLOCK));
    block?.delete(id);
    if (block?.size === 0) this.#blocks.delete(Math.floor(number / BLOCK));
  }

  /** undefined: it is not there. */
  ahead(id: string): number | undefined {
    const number = this.#numbers.get(id);
    if (number === undefined) return undefined;
    let count = 0;
    for (const [index, block] of this.#blocks) {
      if (index < Math.floor(number / BLOCK)) {
        count += block.size;
        continue;
      }
      for (const other of block) {
        if (other === id) return count;
        count += 1;
      }
    }
    return undefined;
  }
}
