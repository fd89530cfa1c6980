import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, systemCode } from '../../core/errors.ts';
import { reasonPhrase } from '../status.ts';
import type { Listening, TransportOptions, WholeAnswer } from '../transport.ts';
import { LINGER_SILENCE_MS, Linger } from './linger.ts';
import { NodeConnection } from './node-connection.ts';
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
  // Else the end of what a client sends would end its connection, though it still waits for the answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  const connections = new WeakMap<Duplex, NodeConnection>();
  const receive = (req: IncomingMessage, res: ServerResponse) => {
    const connection = connections.get(req.socket) ?? new NodeConnection(req.socket, run);
    connections.set(req.socket, connection);
    connection.enter(req, res);
  };
  server.on('request', receive);
  // An expectation that is not known may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', receive);
  server.on('connect', (_req, socket) => {
    const error = new AppError('bad_request', 'CONNECT is not served: this is no proxy');
    fail(error, socket, connections.get(socket), options);
  });
  server.on('clientError', (error, socket) => fail(error, socket, connections.get(socket), options));

  function run(req: IncomingMessage, res: ServerResponse, connection: NodeConnection): NodeWire {
    const wire = new NodeWire(req, res, {
      isStopping: () => !server.listening || connection.isLast,
      onClosing: () => connection.clear(),
      onOver: () => {
        wires.delete(wire);
        connection.leave();
      },
    });
    wires.add(wire);
    try {
      wire.attach(options.onRequest(wire));
    } catch (error) {
      options.onFault(error);
      req.socket.destroy();
    }
    return wire;
  }

  server.listen(options.port, options.host);
  await once(server, 'listening');
  server.on('error', options.onFault);
  const closed = new Promise((resolve) => server.once('close', resolve));
  const timer = setInterval(() => {
    for (const wire of wires) {
      wire.look();
      wire.probe();
    }
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

/** The parser gave up. */
function fail(error: Error, socket: Duplex, connection: NodeConnection | undefined, options: TransportOptions): void {
  const running = connection?.running;
  if (running?.isReceived) {
    // It is fine by itself, and so are those that wait behind it.
    connection?.close();
    return;
  }
  // In the middle of a body that request is lost, too, and told why if there is still a place for it.
  if (running?.hasAnswered) socket.destroy();
  else refuse(error, socket, options);
  connection?.clear();
  running?.lose();
}

/** There is no request to answer, but a socket that can be told why. */
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
  if (error instanceof AppError) return error;
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
