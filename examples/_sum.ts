const LIMIT = 10_000_000;
const CARRY = 2 ** 52;

/** Numbers beyond 2^53 lose their last digits: what is too large for one goes into a second. */
class Total {
  #low = 0;
  #high = 0n;

  add(value: number): void {
    this.#low += value;
    if (this.#low < CARRY) return;
    this.#high += BigInt(this.#low);
    this.#low = 0;
  }

  /** JSON has no BigInt; this one's digits survive as a number. */
  get value(): number {
    return Number(this.#high + BigInt(this.#low));
  }
}

function* squares(): Generator<number> {
  for (let i = 0; i < LIMIT; i++) yield i * i;
}

/** The sum of i*i below 10,000,000, by a generator. */
export function sumByGenerator(): { total: number } {
  const total = new Total();
  for (const square of squares()) total.add(square);
  return { total: total.value };
}

/** The same by a loop. */
export function sumByLoop(): { total: number } {
  const total = new Total();
  for (let i = 0; i < LIMIT; i++) total.add(i * i);
  return { total: total.value };
}

/** The same by a loop that lets others have their turn now and then. */
export async function sumWithPauses(): Promise<{ total: number }> {
  const total = new Total();
  for (let i = 0; i < LIMIT; i++) {
    total.add(i * i);
    if (i % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { total: total.value };
}
