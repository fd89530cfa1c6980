import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, systemCode } from '../../core/errors.ts';
import { reasonPhrase } from '../status.ts';
import type { Listening, TransportOptions, WholeAnswer } from '../transport.ts';
import { LINGER_SILENCE_MS, Linger } from './linger.ts';
import { NodeWire } from './node-wire.ts';

/** Bytes of request line and headers; as the other transport's. */
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
/** Between two looks at sockets that are paused. */
const LOOK_MS = 4_000;

/** HTTP/1.1 by node:http. */
export async function listenOnNode(options: TransportOptions): Promise<Listening> {
  const wires = new Set<NodeWire>();
  const closing = new WeakSet<Duplex>();
  const server = createServer({
    // The minimum rate of a body is the business of whoever reads it.
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: LOOK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // framing.ts says it with a problem document.
    requireHostHeader: false,
  });
  server.maxConnections = options.maxConnections;
  server.on('request', (req, res) => receive(req, res));
  server.on('clientError', (error, socket) => {
    // The parser gave up in the middle of a body: that request is lost, too, and told why if there is still a place for it.
    const broken = [...wires].filter((wire) => wire.socket === socket);
    if (broken.some((wire) => wire.hasAnswered)) socket.destroy();
    else refuse(error, socket, options);
    for (const wire of broken) wire.lose();
  });

  function receive(req: IncomingMessage, res: ServerResponse): void {
    // What is pipelined behind an answer that ends the connection is not run.
    if (closing.has(req.socket)) return;
    const wire = new NodeWire(req, res, {
      isStopping: () => !server.listening,
      onClosing: () => closing.add(req.socket),
      onOver: () => wires.delete(wire),
    });
    wires.add(wire);
    try {
      wire.attach(options.onRequest(wire));
    } catch (error) {
      options.onFault(error);
      req.socket.destroy();
    }
  }

  server.listen(options.port, options.host);
  await once(server, 'listening');
  server.on('error', options.onFault);
  const closed = new Promise((resolve) => server.once('close', resolve));
  const timer = setInterval(() => {
    for (const wire of wires) wire.look();
  }, LOOK_MS);
  timer.unref();

  function stopAccepting(): void {
    server.close();
    server.closeIdleConnections();
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    if (server.listening) server.close();
    server.closeAllConnections();
    await closed;
  }

  return { transport: 'node', port: portOf(server), stopAccepting, close };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** The parser gave up: there is no request to answer, but a socket that can be told why. */
function refuse(error: Error, socket: Duplex, options: TransportOptions): void {
  if (!socket.writable || systemCode(error) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  socket.end(rawAnswer(options.onRefused(toRefusal(error))));
  const linger = new Linger(LINGER_SILENCE_MS, () => socket.destroy());
  socket.on('data', (chunk: Buffer) => linger.count(chunk.byteLength));
  socket.once('end', () => linger.finish());
  socket.once('close', () => linger.stop());
  socket.resume();
}

function toRefusal(error: Error): AppError {
  switch (systemCode(error)) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('upload_stalled', `the request's headers took longer than ${HEADERS_TIMEOUT_MS / 1000} s`, {
        cause: error,
      });
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('bad_request', `the request's headers are larger than ${MAX_HEADER_BYTES} bytes`, {
        cause: error,
      });
    default:
      return new AppError('bad_framing', `this is not valid HTTP/1.1: ${error.message}; the connection is closed`, {
        cause: error,
      });
  }
}

/** By hand, since node:http makes no response for what it could not parse. */
function rawAnswer({ status, headers, body }: WholeAnswer): string {
  const fields = [...headers, ['content-length', String(Buffer.byteLength(body))], ['connection', 'close']] as const;
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
