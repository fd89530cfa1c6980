import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A client that sends exactly the bytes it is told to, and reads what comes back, complete or not. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the connection is gone, by whomever. */
  readonly closed: Promise<unknown>;
  #received = '';
  #isClosed = false;
  #news = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#tell(text));
    // A reset is one of the ways in which a connection ends.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#tell('');
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Resolves when the system has taken the bytes, or the connection is gone. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#isClosed) return;
    const written = new Promise((resolve) => this.socket.write(bytes, resolve));
    await Promise.race([written, this.closed]);
  }

  async sendByteByByte(text: string): Promise<void> {
    for (const byte of Buffer.from(text, 'latin1')) {
      await this.send(Uint8Array.of(byte));
      await nextTurn();
    }
  }

  /** The next response, interim ones left out; undefined: the connection was closed before one was complete. */
  async response(method = 'GET'): Promise<RawResponse | undefined> {
    for (;;) {
      const parsed = parse(this.#received, method, this.#isClosed);
      if (parsed) {
        this.#received = this.#received.slice(parsed.bytes);
        if (parsed.response.status >= 200) return parsed.response;
        continue;
      }
      if (this.#isClosed) return undefined;
      await this.#news.promise;
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #tell(text: string): void {
    this.#received += text;
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

function parse(text: string, method: string, isClosed: boolean): { response: RawResponse; bytes: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const start = headEnd + 4;
  const isBodyless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const length = isBodyless
    ? 0
    : Number(headers.get('content-length') ?? (isClosed ? text.length - start : Number.POSITIVE_INFINITY));
  if (text.length < start + length) return undefined;
  return { response: { status, headers, body: text.slice(start, start + length) }, bytes: start + length };
}
