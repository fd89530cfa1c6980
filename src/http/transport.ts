/**
 * The contract of a transport: sockets and HTTP/1.1 parsing below, exchange.ts above.
 * Implementations: transports/uws.ts, transports/node.ts (one suite: test/contracts/transport.ts).
 */
export type HeaderLine = readonly [name: string, value: string];

/** What a transport tells about a request while it comes in. Called in this order: onChunk*, then onEnd or onAbort once. */
export interface WireEvents {
  /** The chunk is the receiver's own: it was copied out of the parser's memory. May still come after pause(), bounded. */
  onChunk(chunk: Uint8Array): void;
  onEnd(): void;
  /** The connection is gone, before or after onEnd; nothing can be sent any more. */
  onAbort(): void;
  /** What write() refused has gone out. */
  onDrain(): void;
}

/** One request and the way to answer it. Every method may be called at any time; after the end or an abort it does nothing. */
export interface Wire {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Names in lower case, in the order and number sent. */
  readonly headers: readonly HeaderLine[];
  /** Address of the TCP peer: IPv4, or IPv6 without brackets; IPv4-mapped IPv6 is told as IPv4. */
  readonly peer: string;
  /** Stops reading from the socket. The transport keeps a paused socket from timing out and still notices, within seconds, that it is gone. */
  pause(): void;
  resume(): void;
  /** Status line and headers. `length`: bytes that will be written, undefined: chunked. A HEAD answer sends no body and keeps the length. */
  head(status: number, headers: readonly HeaderLine[], length: number | undefined): void;
  /** false: the socket is behind; wait for onDrain before the next. */
  write(chunk: Uint8Array): boolean;
  /**
   * Ends the answer. If the request's body is still coming the rest is read and thrown away, bounded in bytes and seconds,
   * so that the client gets to read the answer, and the connection is closed past the bound (nginx calls it lingering close).
   */
  end(lastChunk?: Uint8Array): void;
  /** Drops the connection at once, unanswered if it was not. */
  abort(): void;
}

export interface TransportOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Called once per request, synchronously; returns the receiver of its events. Framing was checked before (framing.ts). */
  readonly onRequest: (wire: Wire) => WireEvents;
}

export interface Listening {
  readonly transport: 'uws' | 'node';
  readonly port: number;
  /** Stops accepting; idle connections are closed, running exchanges go on. */
  stopAccepting(): void;
  /** Drops what is left. */
  close(): Promise<void>;
}

export type Transport = (options: TransportOptions) => Promise<Listening>;
