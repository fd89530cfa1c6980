/** Probability of the less probable symbol, state after the more probable, after the less probable (ITU-T T.88, table E.1). */
const STATES: readonly (readonly [qe: number, onMore: number, onLess: number])[] = [
  [0x5601, 1, 1],
  [0x3401, 2, 6],
  [0x1801, 3, 9],
  [0x0ac1, 4, 12],
  [0x0521, 5, 29],
  [0x0221, 38, 33],
  [0x5601, 7, 6],
  [0x5401, 8, 14],
  [0x4801, 9, 14],
  [0x3801, 10, 14],
  [0x3001, 11, 17],
  [0x2401, 12, 18],
  [0x1c01, 13, 20],
  [0x1601, 29, 21],
  [0x5601, 15, 14],
  [0x5401, 16, 14],
  [0x5101, 17, 15],
  [0x4801, 18, 16],
  [0x3801, 19, 17],
  [0x3401, 20, 18],
  [0x3001, 21, 19],
  [0x2801, 22, 19],
  [0x2401, 23, 20],
  [0x2201, 24, 21],
  [0x1c01, 25, 22],
  [0x1801, 26, 23],
  [0x1601, 27, 24],
  [0x1401, 28, 25],
  [0x1201, 29, 26],
  [0x1101, 30, 27],
  [0x0ac1, 31, 28],
  [0x09c1, 32, 29],
  [0x08a1, 33, 30],
  [0x0521, 34, 31],
  [0x0441, 35, 32],
  [0x02a1, 36, 33],
  [0x0221, 37, 34],
  [0x0141, 38, 35],
  [0x0111, 39, 36],
  [0x0085, 40, 37],
  [0x0049, 41, 38],
  [0x0025, 42, 39],
  [0x0015, 43, 40],
  [0x0009, 44, 41],
  [0x0005, 45, 42],
  [0x0001, 45, 43],
];
/** In these the less probable symbol becomes the more probable one. */
const SWITCHING = new Set([0, 6, 14]);

/** The MQ arithmetic coder of JBIG2 and JPEG 2000 (ITU-T T.88, annex E.2). */
export class MqCoder {
  readonly #states: Uint8Array;
  readonly #moreProbable: Uint8Array;
  readonly #bytes = [0];
  #interval = 0x8000;
  #code = 0;
  #shiftsLeft = 12;

  constructor(contexts: number) {
    this.#states = new Uint8Array(contexts);
    this.#moreProbable = new Uint8Array(contexts);
  }

  encode(context: number, bit: number): void {
    const state = this.#states[context] ?? 0;
    const [qe, onMore, onLess] = STATES[state] ?? [0x5601, 0, 0];
    this.#interval -= qe;
    const isSmall = this.#interval < qe;
    if (bit === this.#moreProbable[context]) {
      if (this.#interval >= 0x8000) {
        this.#code += qe;
        return;
      }
      this.#states[context] = onMore;
      this.#narrow(!isSmall, qe);
    } else {
      if (SWITCHING.has(state)) this.#moreProbable[context] = bit;
      this.#states[context] = onLess;
      this.#narrow(isSmall, qe);
    }
  }

  /** Ends the code with the marker that closes a segment. */
  finish(): Buffer {
    const most = this.#code + this.#interval;
    this.#code |= 0xffff;
    if (this.#code >= most) this.#code -= 0x8000;
    for (let times = 0; times < 2; times++) {
      this.#code <<= this.#shiftsLeft;
      this.#putByte();
    }
    if (this.#bytes.at(-1) === 0xff) this.#bytes.pop();
    return Buffer.from([...this.#bytes.slice(1), 0xff, 0xac]);
  }

  /** Takes the upper part of the interval, or the lower one, and makes it wide again. */
  #narrow(isUpper: boolean, qe: number): void {
    if (isUpper) this.#code += qe;
    else this.#interval = qe;
    do {
      this.#interval <<= 1;
      this.#code <<= 1;
      this.#shiftsLeft -= 1;
      if (this.#shiftsLeft === 0) this.#putByte();
    } while (this.#interval < 0x8000);
  }

  #putByte(): void {
    const last = this.#bytes.length - 1;
    const hasCarry = this.#code >= 0x8000000 && this.#bytes[last] !== 0xff;
    if (hasCarry) {
      this.#bytes[last] = (this.#bytes[last] ?? 0) + 1;
      this.#code &= 0x7ffffff;
    }
    // After 0xff a byte has seven bits, so that no carry runs through it.
    const bits = this.#bytes[last] === 0xff ? 7 : 8;
    this.#bytes.push((this.#code >>> (27 - bits)) & 0xff);
    this.#code &= (1 << (27 - bits)) - 1;
    this.#shiftsLeft = bits;
  }
}
