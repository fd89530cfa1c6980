import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createBodySource } from '../harness/body.ts';

/** What one run of the sender is told, as JSON in its first argument. */
export interface Order {
  readonly port: number;
  readonly head: readonly string[];
  readonly uploads: number;
  readonly bytes: number;
  /** Connections, each one upload after the other. */
  readonly concurrency: number;
}

/** What it prints, as JSON. */
export interface Delivery {
  /** From the first byte sent to the last answer. */
  readonly seconds: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly ids: readonly string[];
  /** Answers with a digest that is not that of what was sent. */
  readonly wrongDigests: number;
}

/** All uploads are this one piece over and over: the sender copies nothing and allocates nothing while it runs. */
const PIECE_BYTES = 2 ** 20;

interface Answer {
  readonly status: string;
  readonly text: string;
}

function digestOf(piece: Buffer, bytes: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += piece.length) hash.update(piece.subarray(0, Math.min(piece.length, bytes - at)));
  return hash.digest('hex');
}

/** Answers come one at a time, each complete by its Content-Length, its last chunk, or by having no body. */
function readAnswers(socket: Socket): () => Promise<Answer> {
  let received = '';
  let waiting: PromiseWithResolvers<Answer> | undefined;
  socket.setEncoding('latin1');
  const fail = () => waiting?.reject(new Error(`connection lost, received so far: ${JSON.stringify(received)}`));
  socket.on('error', fail);
  socket.on('close', fail);
  socket.on('data', (part: string) => {
    received += part;
    const [head = '', ...rest] = received.split('\r\n\r\n');
    const status = head.split(' ', 2)[1] ?? '';
    const text = rest.join('\r\n\r\n');
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    const isChunked = /^transfer-encoding: *chunked/im.test(head);
    const hasBody = status !== '204' && (length !== undefined || isChunked);
    const isWhole = isChunked ? text.endsWith('0\r\n\r\n') : text.length >= Number(length ?? 0);
    if (rest.length === 0 || (hasBody && !isWhole)) return;
    received = '';
    waiting?.resolve({ status, text });
  });
  return () => {
    waiting = Promise.withResolvers<Answer>();
    return waiting.promise;
  };
}

async function send(socket: Socket, head: string, { piece, bytes }: { piece: Buffer; bytes: number }): Promise<void> {
  socket.write(head, 'latin1');
  for (let at = 0; at < bytes; at += piece.length) {
    const part = bytes - at < piece.length ? piece.subarray(0, bytes - at) : piece;
    if (!socket.write(part)) await once(socket, 'drain');
  }
}

async function deliver({ port, head, uploads, bytes, concurrency }: Order): Promise<Delivery> {
  const piece = Buffer.from(createBodySource(3).body(PIECE_BYTES).slice(0, PIECE_BYTES));
  const digest = digestOf(piece, bytes);
  const connections = Array.from({ length: concurrency }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(connections.map((socket) => once(socket, 'connect')));
  const statuses: Record<string, number> = {};
  const ids: string[] = [];
  const run = Date.now().toString(36);
  let [next, wrongDigests] = [0, 0];
  const text = head.join('\r\n').replaceAll('{bytes}', String(bytes));
  const work = async (socket: Socket) => {
    const answer = readAnswers(socket);
    while (next < uploads) {
      next += 1;
      const answered = answer();
      const request = `${text.replaceAll('{n}', `${run}-${next}`)}\r\n\r\n`;
      // What ends the sending ends the connection too, and then the answer says more.
      const sending = send(socket, request, { piece, bytes }).catch(() => undefined);
      const { status, text: body } = await answered;
      await sending;
      statuses[status] = (statuses[status] ?? 0) + 1;
      const id = /"id": *"([^"]+)"/.exec(body)?.[1];
      if (id !== undefined) ids.push(id);
      const told = /"sha256": *"([^"]+)"/.exec(body)?.[1];
      if (told !== undefined && told !== digest) wrongDigests += 1;
    }
    socket.removeAllListeners('close').destroy();
  };
  const start = performance.now();
  await Promise.all(connections.map(work));
  return { seconds: (performance.now() - start) / 1000, statuses, ids, wrongDigests };
}

const order: Order = JSON.parse(process.argv[2] ?? '{}');
console.log(JSON.stringify(await deliver(order)));
