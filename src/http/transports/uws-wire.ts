import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { peerAddress } from '../peer.ts';
import type { HeaderLine, Wire, WireEvents } from '../transport.ts';
import { HELD_SILENCE_MS, LINGER_SILENCE_MS, Linger } from './linger.ts';
import { ReadGate } from './read-gate.ts';
import { type AnswerHead, answerHead, rawAnswer, UwsSender } from './uws-sender.ts';

export interface UwsWireOptions {
  /** No further requests are wanted: every answer ends its connection. */
  readonly isStopping: () => boolean;
  /** The response must not be touched any more. */
  readonly onOver: (wire: UwsWire) => void;
}

/** An early answer above this goes the usual way: it must fit into an empty socket buffer. */
const RAW_MAX_BYTES = 8 * 1024;
/** uWS's cork buffer: more might stay in its memory, and be cut off after 10 s at a slow reader. */
const WHOLE_MAX_BYTES = 15 * 1024;
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);
const NO_BODY = /^0+$/;
const NOTHING = new Uint8Array();

/**
 * One request on uWS.
 *
 *     receiving --last chunk--> received            the request
 *     waiting --head()--> answering --end()--> ending --> over       the answer
 *
 * A further request on the connection while one is unanswered is dropped, even within one packet, and the connection ends
 * with the answer (native/uws/guard-requests.ts). That is the guard against requests hidden behind doubtful framing: such
 * an answer ends in a later turn of the event loop, when the packet was parsed to its end.
 */
export class UwsWire implements Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly peer: string;

  readonly #res: HttpResponse;
  readonly #options: UwsWireOptions;
  readonly #gate: ReadGate;
  readonly #sender: UwsSender;
  readonly #isDoubtful: boolean;
  #events: WireEvents | undefined;
  #head: AnswerHead | undefined;
  #isCloseWanted = false;
  #isLate = false;
  #isReceived = false;
  #isEnding = false;
  #isOver = false;
  #takenBytes = 0;
  #last: Uint8Array = NOTHING;
  #onFree: (() => void) | undefined;
  #linger: Linger | undefined;

  constructor(res: HttpResponse, req: HttpRequest, options: UwsWireOptions) {
    const headers: HeaderLine[] = [];
    req.forEach((name, value) => {
      headers.push([name, value]);
    });
    const query = req.getQuery();
    this.method = req.getCaseSensitiveMethod();
    this.target = query ? `${req.getUrl()}?${query}` : req.getUrl();
    this.headers = headers;
    this.peer = peerAddress(Buffer.from(res.getRemoteAddressAsText()).toString('latin1'));
    this.#isDoubtful = isDoubtful(this.method, headers);
    // So that an answer given at once is complete before uWS parses a request that was pipelined behind it.
    this.#isReceived =
      !this.#isDoubtful && headers.every(([name, value]) => name !== 'content-length' || NO_BODY.test(value));
    this.#res = res;
    this.#options = options;
    this.#gate = new ReadGate({ stop: () => res.pause(), start: () => res.resume() });
    this.#sender = new UwsSender(res, () => this.#drain());
    res.onAborted(() => this.#abandon());
    res.onData((chunk, isLast) => this.#receive(chunk, isLast));
  }

  /** Called before the handler of the request returns to uWS. */
  attach(events: WireEvents): void {
    this.#events = events;
    // uWS tells of the end only where the headers came in one packet.
    if (this.#isReceived) events.onEnd();
  }

  /** In a later turn of the event loop: what the same packet holds behind this request is dropped. */
  answerLater(): void {
    this.#isLate = true;
  }

  pause(): void {
    if (!this.#isReceived) this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  /** Called every few seconds: uWS drops a connection 10 to 30 s after its last sign of life, and asks for 16 KB/s to see one. */
  keepAlive(): void {
    if (this.#isOver) return;
    if (this.#gate.isPaused) {
      this.#gate.look();
      return;
    }
    // Resuming is what sets uWS's timer; resuming what was not paused can silence a socket for good.
    this.#res.pause();
    this.#res.resume();
  }

  head(status: number, headers: readonly HeaderLine[], length: number | undefined): void {
    if (this.#isOver || this.#head) return;
    this.#head = answerHead(this.method, { status, headers, length });
    this.#isCloseWanted ||= headers.some(([name, value]) => name === 'connection' && value === 'close');
    this.#gate.open();
  }

  write(chunk: Uint8Array, onFree?: () => void): boolean {
    const head = this.#head;
    if (!head || this.#isOver || this.#isEnding || head.isBodyless) return true;
    this.#takenBytes += chunk.byteLength;
    if (head.length !== undefined && this.#takenBytes > head.length) {
      this.abort();
      return true;
    }
    // The bytes that complete an answer wait for end(), since after them the response is uWS's again.
    if (this.#takenBytes === head.length) {
      this.#last = chunk;
      return true;
    }
    const isTaken = this.#send(head, chunk);
    if (isTaken) onFree?.();
    else this.#onFree = onFree;
    return isTaken;
  }

  end(lastChunk: Uint8Array = NOTHING): void {
    const head = this.#head;
    if (!head || this.#isOver || this.#isEnding) return;
    if (lastChunk.byteLength > 0) this.write(lastChunk);
    this.#isEnding = true;
    if (!head.isBodyless && head.length !== undefined && this.#takenBytes !== head.length) this.abort();
    else if (this.#isReceived && !this.#isClosing() && !this.#isLate) this.#finish(head);
    else setImmediate(() => this.#finishLate(head));
  }

  abort(): void {
    // Through uWS, so that onAborted does the rest.
    if (!this.#isOver) this.#res.close();
  }

  /** The turn of the event loop is over, and the body, if it came in the same packet, is in. */
  #finishLate(head: AnswerHead): void {
    if (this.#isOver) return;
    if (this.#isReceived) {
      this.#finish(head);
      return;
    }
    const raw =
      this.#sender.hasBegun || this.#last.byteLength > RAW_MAX_BYTES ? undefined : rawAnswer(head, this.#last);
    if (raw) {
      this.#res.cork(() => this.#res.writeStatus(raw));
      this.#linger = new Linger(LINGER_SILENCE_MS, () => this.#res.close());
      this.#events?.onSent();
      this.#events = undefined;
    } else {
      this.#linger = new Linger(HELD_SILENCE_MS, () => this.#finish(head));
    }
  }

  #finish(head: AnswerHead): void {
    if (this.#isOver) return;
    if (!this.#sender.hasBegun && this.#last.byteLength <= WHOLE_MAX_BYTES) {
      this.#sender.endWhole(head, this.#last, this.#isClosing());
      this.#complete();
      return;
    }
    if (this.#isClosing()) this.#sender.makeLastWord();
    if (head.length === undefined) this.#finishChunked();
    else if (this.#send(head, this.#last)) this.#complete();
    // Else the socket is behind, and #drain completes it.
  }

  #finishChunked(): void {
    if (this.#sender.isBehind) return;
    this.#sender.endChunked();
    this.#complete();
  }

  #send(head: AnswerHead, chunk: Uint8Array): boolean {
    return this.#sender.hasBegun ? this.#sender.write(chunk) : this.#sender.begin(head, this.#isClosing(), chunk);
  }

  #drain(): void {
    const head = this.#head;
    this.#onFree?.();
    this.#onFree = undefined;
    if (!this.#isEnding || !head) this.#events?.onDrain();
    else if (head.length === undefined) this.#finishChunked();
    else this.#complete();
  }

  #isClosing(): boolean {
    return this.#isDoubtful || this.#isCloseWanted || !this.#isReceived || this.#options.isStopping();
  }

  #receive(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.#isOver || this.#isReceived) return;
    if (isLast) this.#isReceived = true;
    this.#gate.count(chunk.byteLength);
    if (this.#head) this.#discard(chunk.byteLength, isLast);
    else if (chunk.byteLength > 0) this.#events?.onChunk(new Uint8Array(chunk), true);
    if (isLast && !this.#head) this.#events?.onEnd();
  }

  #discard(bytes: number, isLast: boolean): void {
    this.#linger?.count(bytes);
    if (isLast) setImmediate(() => this.#linger?.finish());
  }

  #abandon(): void {
    if (this.#isOver) return;
    this.#release();
    this.#events?.onAbort();
  }

  #complete(): void {
    this.#release();
    this.#events?.onSent();
  }

  #release(): void {
    this.#isOver = true;
    this.#gate.release();
    this.#linger?.stop();
    this.#options.onOver(this);
  }
}

/**
 * Where uWS's parser may see the end of a request elsewhere than others do: it runs trailers of a chunked body as a request
 * of their own, and to it an empty header name ends the headers, so that a length behind one goes unseen.
 */
function isDoubtful(method: string, headers: readonly HeaderLine[]): boolean {
  if (headers.some(([name]) => name === 'transfer-encoding')) return true;
  return BODY_METHODS.has(method) && !headers.some(([name]) => name === 'content-length');
}
