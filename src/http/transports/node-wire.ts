import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { peerAddress } from '../peer.ts';
import { isBodiless, reasonPhrase } from '../status.ts';
import type { HeaderLine, Wire, WireEvents } from '../transport.ts';
import { HELD_SILENCE_MS, LINGER_SILENCE_MS, Linger } from './linger.ts';
import { ReadGate } from './read-gate.ts';

const BEYOND_ASCII = /[\x80-\xff]/;

export interface NodeWireOptions {
  /** No further requests are wanted: every answer ends its connection. */
  readonly isStopping: () => boolean;
  /** The connection ends with this answer. */
  readonly onClosing: () => void;
  readonly onOver: () => void;
}

/** One request on node:http. */
export class NodeWire implements Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly peer: string;

  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: NodeWireOptions;
  readonly #gate: ReadGate;
  #events: WireEvents | undefined;
  #length: number | undefined;
  #takenBytes = 0;
  #isAnswering = false;
  #isEnding = false;
  #linger: Linger | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: NodeWireOptions) {
    this.method = req.method ?? '';
    this.target = req.url ?? '';
    this.headers = headerLines(req.rawHeaders);
    this.peer = peerAddress(req.socket.remoteAddress);
    this.#req = req;
    this.#res = res;
    this.#options = options;
    this.#gate = new ReadGate({ stop: () => req.pause(), start: () => req.resume() });
    req.on('data', (chunk: Buffer) => this.#receive(chunk));
    req.on('end', () => this.#endBody());
    req.on('error', () => this.#res.destroy());
    res.on('drain', () => this.#events?.onDrain());
    res.on('error', () => this.#res.destroy());
    res.on('finish', () => this.#tellSent());
    res.on('close', () => this.lose());
  }

  get socket(): Duplex {
    return this.#req.socket;
  }

  get isReceived(): boolean {
    return this.#req.complete;
  }

  get hasAnswered(): boolean {
    return this.#isAnswering;
  }

  /** Called before anything can come in. */
  attach(events: WireEvents): void {
    this.#events = events;
  }

  pause(): void {
    if (!this.#req.complete) this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  /** Called every few seconds. */
  look(): void {
    this.#gate.look();
  }

  /**
   * Asks a connection on which nothing more will come if there is still somebody, by an interim response, which says nothing
   * (RFC 9110 section 15.2): who only shut down the sending side waits for the answer, who is gone looks the same but for
   * this. An answer that may go on for ever has no such test, and is ended.
   */
  probe(): void {
    if (!this.#req.socket.readableEnded || this.#res.closed) return;
    if (!this.#isAnswering) this.#res.writeContinue();
    else if (this.#length === undefined && !this.#isEnding) this.abort();
  }

  head(status: number, headers: readonly HeaderLine[], length: number | undefined): void {
    if (this.#isAnswering || this.#res.closed) return;
    this.#isAnswering = true;
    this.#length = this.method === 'HEAD' || isBodiless(status) ? 0 : length;
    if (length !== undefined && !isBodiless(status)) this.#res.setHeader('content-length', length);
    for (const [name, value] of headers) this.#res.appendHeader(name, value);
    if (this.#options.isStopping()) this.#res.setHeader('connection', 'close');
    if (this.#res.getHeader('connection') === 'close') this.#options.onClosing();
    this.#res.statusMessage = reasonPhrase(status);
    this.#res.statusCode = status;
    this.#gate.open();
  }

  write(chunk: Uint8Array, onFree?: () => void): boolean {
    if (!this.#isAnswering || this.#isEnding || this.#res.closed) return true;
    this.#takenBytes += chunk.byteLength;
    if (this.#length !== undefined && this.#takenBytes > this.#length) {
      if (this.method !== 'HEAD') this.abort();
      return true;
    }
    return this.#res.write(chunk, onFree);
  }

  end(lastChunk?: Uint8Array): void {
    if (!this.#isAnswering || this.#isEnding || this.#res.closed) return;
    if (
      this.#length !== undefined &&
      this.method !== 'HEAD' &&
      this.#takenBytes + (lastChunk?.byteLength ?? 0) !== this.#length
    ) {
      this.abort();
      return;
    }
    this.#isEnding = true;
    const last = this.#length === 0 ? undefined : lastChunk;
    if (this.#req.complete) this.#res.end(last);
    // In the next turn the body, if it came in the same packet, is in.
    else setImmediate(() => this.#endLate(last));
  }

  abort(): void {
    this.#req.socket.destroy();
  }

  /** All of the answer is out at once; the end of the response, and of the connection with it, waits for the client. */
  #endLate(last: Uint8Array | undefined): void {
    if (this.#req.complete || this.#res.closed) {
      this.#res.end(last);
      return;
    }
    if (!this.#res.headersSent) this.#res.setHeader('connection', 'close');
    this.#options.onClosing();
    const silenceMs = this.#length === undefined ? HELD_SILENCE_MS : LINGER_SILENCE_MS;
    this.#linger = new Linger(silenceMs, () => this.#finishLingering());
    if (last) this.#res.write(last, () => this.#tellSent());
    else {
      this.#res.flushHeaders();
      this.#tellSent();
    }
  }

  #finishLingering(): void {
    this.#res.end();
    if (!this.#req.complete) this.#req.socket.destroySoon();
  }

  #receive(chunk: Buffer): void {
    this.#gate.count(chunk.byteLength);
    if (this.#isAnswering) this.#linger?.count(chunk.byteLength);
    else this.#events?.onChunk(chunk);
  }

  #endBody(): void {
    if (!this.#isAnswering) this.#events?.onEnd();
    this.#linger?.finish();
  }

  /** The connection is gone, or of no more use. */
  lose(): void {
    this.#gate.release();
    this.#linger?.stop();
    this.#options.onOver();
    const events = this.#events;
    this.#events = undefined;
    events?.onAbort();
  }

  #tellSent(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onSent();
  }
}

function headerLines(raw: readonly string[]): HeaderLine[] {
  return Array.from(
    { length: raw.length / 2 },
    (_, index) => [(raw[index * 2] ?? '').toLowerCase(), decodeValue(raw[index * 2 + 1] ?? '')] as const,
  );
}

/** node:http takes each byte for a character. */
function decodeValue(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : value;
}
