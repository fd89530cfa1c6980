/**
 * Requests that one connection may have sent ahead of their answers; with more it is closed. Each takes the memory of its
 * headers, and of what a parser does with all of them at once every other caller waits for the end.
 */
export const MAX_PIPELINED = 64;

/**
 * Counts requests that come from one address in a row within one turn of the event loop: uWS parses all of a packet in one
 * turn and does not tell connections apart. They may be those of as many connections, of a proxy.
 */
export class Burst {
  #peer = '';
  #requests = 0;
  #isTurnKnown = false;

  /** True for every MAX_PIPELINED-th. */
  isFull(peer: string): boolean {
    if (!this.#isTurnKnown) {
      this.#isTurnKnown = true;
      setImmediate(() => this.#endTurn());
    }
    if (peer !== this.#peer || this.#requests === MAX_PIPELINED) this.#requests = 0;
    this.#peer = peer;
    this.#requests++;
    return this.#requests === MAX_PIPELINED;
  }

  #endTurn(): void {
    this.#isTurnKnown = false;
    this.#requests = 0;
  }
}
