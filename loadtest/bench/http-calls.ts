import { once } from 'node:events';
import { connect } from 'node:net';
import { runCalls } from './calls.ts';

/** What the program is told, as JSON in its first argument. */
export interface HttpOrder {
  readonly port: number;
  readonly request: string;
  /** The status that counts. */
  readonly status: string;
  readonly callers: number;
  readonly seconds: number;
}

/** Bare sockets: a client library would cost more than what is measured. */
async function open({ port, request, status }: HttpOrder): Promise<() => Promise<string>> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.setEncoding('latin1');
  let received = '';
  let waiting = Promise.withResolvers<string>();
  socket.on('data', (part: string) => {
    received += part;
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1] ?? 0);
    if (received.length < head + 4 + length) return;
    const got = received.slice(9, 12);
    received = '';
    waiting.resolve(got === status ? 'ok' : got);
  });
  socket.on('close', () => waiting.resolve('connection lost'));
  return () => {
    waiting = Promise.withResolvers();
    if (socket.destroyed) waiting.resolve('connection lost');
    socket.write(request);
    return waiting.promise;
  };
}

const order: HttpOrder = JSON.parse(process.argv[2] ?? '{}');
console.log(JSON.stringify(await runCalls({ ...order, open: () => open(order) })));
process.exit();
