import type { AppError } from '../core/errors.ts';

/**
 * The contract of a transport: sockets and HTTP/1.1 parsing below, exchange.ts above.
 * Implementations: transports/uws.ts, transports/node.ts (one suite: test/contracts/transport.ts).
 */
export type HeaderLine = readonly [name: string, value: string];

/** What a transport tells about a request: onChunk* and onEnd as the body comes, onSent or onAbort once, as the last. */
export interface WireEvents {
  /** The chunk is the receiver's own, unless `isLent`: then only until this returns. May still come after pause(), bounded. */
  onChunk(chunk: Uint8Array, isLent?: boolean): void;
  onEnd(): void;
  /** The connection is gone before the answer was out; nothing can be sent any more. */
  onAbort(): void;
  /** What write() refused has gone out. */
  onDrain(): void;
  /** The whole answer was handed to the system. */
  onSent(): void;
}

/** One request and the way to answer it. Every method may be called at any time; after the end or an abort it does nothing. */
export interface Wire {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Names in lower case, values read as UTF-8, in the order and number sent; framing.ts has yet to look at them. */
  readonly headers: readonly HeaderLine[];
  /** Address of the TCP peer: IPv4, or IPv6 without brackets; IPv4-mapped IPv6 is told as IPv4. */
  readonly peer: string;
  /** Stops reading from the socket. The transport keeps a paused socket from timing out and still notices, within seconds, that it is gone. */
  pause(): void;
  resume(): void;
  /**
   * Status line and headers; they go out with the first bytes of the body, or at the end. `length`: bytes that will be
   * written, undefined: chunked. A HEAD answer sends no body and keeps the length. From here on no chunk of the request's
   * body is told any more: what still comes is read and thrown away. A `connection: close` header is kept.
   */
  head(status: number, headers: readonly HeaderLine[], length: number | undefined): void;
  /**
   * false: the socket is behind; wait for onDrain before the next. The chunk must not be changed before `onFree` is called,
   * which it may never be.
   */
  write(chunk: Uint8Array, onFree?: () => void): boolean;
  /**
   * Ends the answer. If the request's body is still coming the connection ends with the answer, but first the rest is read
   * and thrown away, bounded in bytes and seconds, so that the client gets to read it (nginx calls it lingering close).
   */
  end(lastChunk?: Uint8Array): void;
  /** Drops the connection at once, unanswered if it was not; onAbort follows. */
  abort(): void;
}

/** An answer that is known in full. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
}

export interface TransportOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Connections at once; further ones are closed as they come. */
  readonly maxConnections: number;
  /** Called once per request, synchronously; returns the receiver of its events. Neither uses the wire before it returned nor throws. */
  readonly onRequest: (wire: Wire) => WireEvents;
  /** A bug at this border: the connection is dropped. Must not throw. */
  readonly onFault: (error: unknown) => void;
  /** Bytes that are no HTTP request came in: returns what to answer before the connection is closed. Must not throw. */
  readonly onRefused: (error: AppError) => WholeAnswer;
}

export interface Listening {
  readonly transport: 'uws' | 'node';
  readonly port: number;
  /** Stops accepting; idle connections are closed, running exchanges go on. */
  stopAccepting(): void;
  /** Drops what is left. */
  close(): Promise<void>;
}

/** Error: whatever listening can fail with, `EADDRINUSE` among them. */
export type Transport = (options: TransportOptions) => Promise<Listening>;
