import type { HttpResponse } from 'uWebSockets.js';
import { isBodiless, reasonPhrase } from '../status.ts';
import type { HeaderLine } from '../transport.ts';

export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  /** Bytes of the body, undefined: chunked. */
  readonly length: number | undefined;
  /** HEAD, or a status without a body. */
  readonly isBodyless: boolean;
}

/** Kept back of what the socket may not take, to be spent byte by byte on asking whether it is still behind. */
const PROBE_BYTES = 1024;

/** Headers that the framing of the answer writes itself. */
const FRAMING_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection']);

export function answerHead(method: string, parts: Omit<AnswerHead, 'isBodyless'>): AnswerHead {
  const headers = parts.headers.filter(([name]) => !FRAMING_HEADERS.has(name));
  return { ...parts, headers, isBodyless: method === 'HEAD' || isBodiless(parts.status) };
}

/**
 * Writes one answer to a uWS response in step with the socket. Three rules of uWS shape it. `tryEnd` takes only what the
 * kernel takes, but needs the length; `write` takes everything into memory, without bound. Both must be corked, and then
 * what fits into the cork buffer counts as taken: only the next call tells if it is out, so that a last byte is sent by
 * itself. And once a response is ended, what is not out by then has 10 s to go.
 */
export class UwsSender {
  readonly #res: HttpResponse;
  readonly #onDrain: () => void;
  #head: AnswerHead | undefined;
  #rest: Uint8Array = new Uint8Array();
  #isBehind = false;
  #isListening = false;
  #isLastWord = false;

  constructor(res: HttpResponse, onDrain: () => void) {
    this.#res = res;
    this.#onDrain = onDrain;
  }

  get hasBegun(): boolean {
    return this.#head !== undefined;
  }

  get isBehind(): boolean {
    return this.#isBehind || this.#rest.byteLength > 0;
  }

  /**
   * Nothing more is read from the connection once the answer is complete: uWS cannot end it after a streamed answer, but
   * drops what it does not read after 10 to 30 s. (A write that the kernel does not take turns reading on again.)
   */
  makeLastWord(): void {
    this.#isLastWord = true;
  }

  /** Status and headers, with the first bytes in one packet; then as `write`. */
  begin(head: AnswerHead, isClosing: boolean, chunk: Uint8Array): boolean {
    this.#head = head;
    let isTaken = true;
    this.#res.cork(() => {
      this.#writeHead(head);
      if (isClosing) this.#res.writeHeader('connection', 'close');
      isTaken = this.write(chunk);
    });
    return isTaken;
  }

  /** False: the socket is behind, `onDrain` will be called. */
  write(chunk: Uint8Array): boolean {
    this.#rest = chunk;
    const isTaken = this.#head?.length === undefined ? this.#pour() : this.#push(this.#head.length);
    if (!isTaken) this.#listen();
    return isTaken;
  }

  /** Status, headers and all of the body at once, and then the connection ends if asked to. */
  endWhole(head: AnswerHead, body: Uint8Array, isClosing: boolean): void {
    this.#res.cork(() => {
      this.#writeHead(head);
      if (!head.isBodyless) this.#res.end(body, isClosing);
      else if (head.length !== undefined) this.#res.endWithoutBody(head.length, isClosing);
      else this.#endWithoutLength(isClosing);
    });
  }

  /** The last chunk of a chunked answer; not before what was written has drained. */
  endChunked(): void {
    if (this.#isLastWord) this.#res.pause();
    this.#res.cork(() => this.#res.end());
  }

  /** Without a length uWS does not take the wish to close either. */
  #endWithoutLength(isClosing: boolean): void {
    if (isClosing) {
      this.#res.writeHeader('connection', 'close');
      this.#res.pause();
    }
    this.#res.endWithoutBody();
  }

  #writeHead(head: AnswerHead): void {
    this.#res.writeStatus(`${head.status} ${reasonPhrase(head.status)}`);
    for (const [name, value] of head.headers) this.#res.writeHeader(name, value);
  }

  /** Known length: what the kernel does not take stays here. */
  #push(length: number): boolean {
    while (this.#rest.byteLength > 0) {
      const from = this.#res.getWriteOffset();
      const isLastPart = from + this.#rest.byteLength === length;
      const piece = isLastPart ? butLastByte(this.#rest) : this.#rest;
      const [isTaken, isDone] = this.#tryEnd(piece, length);
      // The response is not ours any more.
      const takenBytes = isDone ? piece.byteLength : this.#res.getWriteOffset() - from;
      this.#rest = this.#rest.subarray(takenBytes);
      if (!isTaken && !isDone) return false;
    }
    return true;
  }

  #tryEnd(piece: Uint8Array, length: number): [boolean, boolean] {
    let result: [boolean, boolean] = [true, false];
    if (this.#isLastWord) this.#res.pause();
    this.#res.cork(() => {
      result = this.#res.tryEnd(piece, length);
    });
    return result;
  }

  /** Unknown length. */
  #pour(): boolean {
    while (this.#rest.byteLength > 0) {
      const piece = this.#nextPiece();
      this.#rest = this.#rest.subarray(piece.byteLength);
      this.#res.cork(() => {
        this.#isBehind = !this.#res.write(piece);
      });
      if (this.#isBehind) return false;
    }
    return true;
  }

  #nextPiece(): Uint8Array {
    if (this.#isBehind) return this.#rest.subarray(0, 1);
    return this.#rest.byteLength > PROBE_BYTES ? this.#rest.subarray(0, -PROBE_BYTES) : butLastByte(this.#rest);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#res.onWritable(() => {
      const isTaken = this.#catchUp();
      if (isTaken) this.#onDrain();
      return isTaken;
    });
  }

  #catchUp(): boolean {
    if (this.#head?.length !== undefined) return this.#push(this.#head.length);
    // With a handler registered uWS leaves its buffer to the next write; an empty cork is a write of nothing.
    this.#res.cork(() => undefined);
    if (this.#rest.byteLength > 0) return this.#pour();
    this.#isBehind = false;
    return true;
  }
}

function butLastByte(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength > 1 ? bytes.subarray(0, -1) : bytes;
}

const CRLF_BYTES = 2;
const LF = 0x0a;

/**
 * A whole answer as one status line for `writeStatus`: it is out at once, yet uWS takes the request for unanswered, so the
 * connection stays ours to close, and a further request on it is refused. undefined: it cannot be written so, since uWS
 * appends a line end, which only JSON and nothing can bear.
 */
export function rawAnswer(head: AnswerHead, body: Uint8Array): Uint8Array | undefined {
  const isEmpty = head.isBodyless || body.byteLength === 0;
  const type = head.headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  if (!isEmpty && !/^application\/(problem\+)?json\b/.test(type)) return undefined;
  const text = body.at(-1) === LF ? body.subarray(0, -1) : body;
  const length = isEmpty ? head.length : text.byteLength + CRLF_BYTES;
  const lines = [
    `${head.status} ${reasonPhrase(head.status)}`,
    `date: ${new Date().toUTCString()}`,
    ...head.headers.map(([name, value]) => `${name}: ${value}`),
    ...(length === undefined ? [] : [`content-length: ${length}`]),
    'connection: close',
    '',
  ];
  return isEmpty ? Buffer.from(lines.join('\r\n')) : Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n`), text]);
}
