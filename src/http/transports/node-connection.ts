import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeWire } from './node-wire.ts';
import { MAX_PIPELINED } from './pipelining.ts';

/** After a client's last byte: the first probe makes the system of one that is gone say so, the second is told of it. */
const PROBES_MS = [400, 600];

type Run = (req: IncomingMessage, res: ServerResponse, connection: NodeConnection) => NodeWire;

/**
 * The requests of one connection. node:http tells of each as soon as it is parsed, however many came in one packet; here
 * one runs and the others wait for its answer, as RFC 9112 section 9.3.2 asks for of all that change something.
 */
export class NodeConnection {
  readonly #socket: Duplex;
  readonly #run: Run;
  readonly #waiting: (readonly [IncomingMessage, ServerResponse])[] = [];
  #running: NodeWire | undefined;
  #isRunning = false;
  #isClosed = false;
  #isOver = false;

  constructor(socket: Duplex, run: Run) {
    this.#socket = socket;
    this.#run = run;
    // Of a socket that closes, the running answer tells, see leave(): one listener less for each of thousands.
    socket.once('end', () => {
      for (const ms of PROBES_MS) setTimeout(() => this.#running?.probe(), ms).unref();
    });
  }

  get running(): NodeWire | undefined {
    return this.#running;
  }

  /** The answer that is under way is the last. */
  get isLast(): boolean {
    return this.#isClosed && this.#waiting.length === 0;
  }

  /** Runs the request now or in its turn. One too many ends the connection, and those that wait never run. */
  enter(req: IncomingMessage, res: ServerResponse): void {
    if (this.#isClosed || this.#isOver) return;
    if (!this.#isRunning) this.#start(req, res);
    else if (this.#waiting.length < MAX_PIPELINED) this.#waiting.push([req, res]);
    else {
      this.clear();
      this.#socket.destroy();
    }
  }

  /** The answer of the one that ran is out. */
  leave(): void {
    this.#isRunning = false;
    this.#running = undefined;
    if (this.#socket.destroyed) this.clear();
    else if (this.isLast && !this.#isOver) this.#socket.end();
    const next = this.#waiting.shift();
    if (next) this.#start(...next);
  }

  /** Those that came are answered; nothing more is read. */
  close(): void {
    this.#isClosed = true;
    this.#socket.pause();
  }

  /** The connection ends with the answer that is under way, or is gone: none runs any more. */
  clear(): void {
    this.#isOver = true;
    this.#waiting.length = 0;
  }

  #start(req: IncomingMessage, res: ServerResponse): void {
    this.#isRunning = true;
    this.#running = this.#run(req, res, this);
  }
}
