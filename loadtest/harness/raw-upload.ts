import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { judge, type Outcome } from './outcome.ts';
import { type Ending, pacedSlices } from './pace.ts';
import { endOf, type UploadOptions } from './undici-upload.ts';

/** An answer longer than this is cut off: ours are small JSON documents. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * `POST /file` over a bare socket, for what HTTP clients are too kind to do: resets, half-closed connections, and reading
 * an early answer while the body still goes out. One request per connection.
 */
export async function uploadRaw(options: UploadOptions): Promise<Outcome> {
  const { origin, body, signal } = options;
  const { hostname, port, host } = new URL(origin);
  const start = performance.now();
  let bytesSent = 0;
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true, signal });
  const answer = readAnswer(socket);
  const ended = new AbortController();
  const sending = AbortSignal.any([signal, ended.signal]);
  const send = async () => {
    await once(socket, 'connect', { signal: sending });
    socket.write(`POST /file HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`);
    for await (const slice of pacedSlices({ ...options, ending: endingOf(options), signal: sending })) {
      if (!socket.write(slice)) await once(socket, 'drain', { signal: sending });
      bytesSent += slice.length;
    }
    cut(socket, endingOf(options));
  };
  const sent = send().catch((error: unknown) => {
    // The answer decides; without one the loss of the connection is told by readAnswer.
    if (!ended.signal.aborted && !socket.destroyed) socket.destroy(error instanceof Error ? error : undefined);
  });
  try {
    const seen = await answer;
    return { ms: performance.now() - start, bytesSent, ...judge(body, seen) };
  } catch (error) {
    return { status: 0, ms: performance.now() - start, bytesSent, bytesLost: 0, reason: endOf(error, options) };
  } finally {
    ended.abort();
    socket.destroy();
    await sent;
  }
}

function endingOf(options: UploadOptions): Ending {
  return options.ending ?? { kind: 'complete' };
}

function cut(socket: Socket, ending: Ending): void {
  if (ending.kind !== 'cut') return;
  if (ending.by === 'rst') socket.resetAndDestroy();
  else if (ending.by === 'half') socket.end();
  else socket.destroy();
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** Collects one answer: complete by its length, by its last chunk, or by the end of the connection. */
function readAnswer(socket: Socket): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let text = '';
  socket.setEncoding('latin1');
  const settle = (isOver: boolean) => {
    const answer = parseAnswer(text, isOver);
    if (answer) resolve(answer);
    else if (isOver) reject(new Error(text === '' ? 'closed without an answer' : 'closed within the answer'));
  };
  socket.on('data', (part: string) => {
    if (text.length < MAX_ANSWER_BYTES) text += part;
    settle(false);
  });
  socket.on('end', () => settle(true));
  // A reset may follow an answer that was already complete.
  socket.on('error', (error) => reject(error));
  socket.on('close', () => settle(true));
  return promise;
}

/** undefined: not complete yet. Interim answers (1xx) are skipped. */
function parseAnswer(received: string, isOver: boolean): Answer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = received.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const rest = received.slice(headEnd + 4);
  if (status < 200) return parseAnswer(rest, isOver);
  const headers = new Map(lines.map((line) => splitHeader(line)));
  const length = headers.get('content-length');
  const retryAfter = headers.get('retry-after');
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  if (isChunked && rest.endsWith('0\r\n\r\n')) return { status, text: unchunk(rest), retryAfter };
  if (length !== undefined && rest.length >= Number(length)) return { status, text: rest, retryAfter };
  return isOver && length === undefined && !isChunked ? { status, text: rest, retryAfter } : undefined;
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function unchunk(text: string): string {
  const size = Number.parseInt(text, 16);
  const from = text.indexOf('\r\n') + 2;
  if (!(size > 0) || from < 2) return '';
  return text.slice(from, from + size) + unchunk(text.slice(from + size + 2));
}
