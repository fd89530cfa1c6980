import { type Dispatcher, request } from 'undici';
import { createDeadline, type Deadline, raceSignal } from '../core/deadline.ts';
import { AppError, systemCode, toAppError } from '../core/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { type ByteSource, createByteSource } from './byte-source.ts';
import { createGuardedDispatcher } from './guarded-dispatcher.ts';
import { header, mediaType, remoteName } from './remote-headers.ts';

export interface FetchUrlOptions {
  readonly guard: AddressGuard;
  readonly signal: AbortSignal;
  /** Largest file taken. */
  readonly maxBytes: number;
  /** From the name's look-up to the last byte, redirects and slow readers included. */
  readonly timeoutMs: number;
}

/** What the other server says about the file; whoever has it closes it. */
export interface FetchedFile {
  /** Frees the connection at its end or first error, too. */
  readonly source: ByteSource;
  /** Last segment of a name in Content-Disposition or in the URL; undefined where neither has one. */
  readonly name: string | undefined;
  readonly declaredType: string | undefined;
  readonly declaredBytes: number | undefined;
  /** Frees the connection, however far the source was read; idempotent. */
  close(): void;
}

type Answer = Dispatcher.ResponseData & { readonly url: URL };

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;
const MAX_URL_LENGTH = 8192;

/**
 * Starts to download a file; resolves when its headers are in. Errors: `blocked_address`, `too_large`, and `bad_request` for
 * whatever is wrong with the URL or with the server behind it.
 */
export async function fetchUrl(text: string, options: FetchUrlOptions): Promise<FetchedFile> {
  const target = parseTarget(text);
  const reason = new AppError('bad_request', `the URL did not deliver the file within ${options.timeoutMs / 1000} s`);
  const deadline = createDeadline({ ms: options.timeoutMs, parents: [options.signal], reason });
  const connection = openConnection(options.guard, deadline);
  try {
    deadline.signal.throwIfAborted();
    const answer = await raceSignal(follow(target, connection), deadline.signal);
    const declaredBytes = checkAnswer(answer, options.maxBytes);
    const endsByClose = declaredBytes === undefined && header(answer.headers, 'transfer-encoding') === undefined;
    const source = readBody(answer.body, { connection, maxBytes: options.maxBytes, endsByClose });
    return {
      source,
      declaredBytes,
      declaredType: mediaType(answer.headers),
      name: remoteName(answer.headers, answer.url),
      close() {
        answer.body.on('error', ignoreAbort).destroy();
        connection.close();
      },
    };
  } catch (error) {
    connection.close();
    throw connection.translate(error);
  }
}

/** The one connection pool of one download. */
interface Connection {
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
  /** Why it broke, if it did. */
  readonly failure: Error | undefined;
  close(): void;
  /** What an error of undici, the sockets or the signal means to the caller. */
  translate(error: unknown): unknown;
}

function openConnection(guard: AddressGuard, { signal, clear }: Deadline): Connection {
  let failure: Error | undefined;
  const dispatcher = createGuardedDispatcher({ guard, onBroken: (error) => (failure = error) });
  return {
    dispatcher,
    signal,
    get failure() {
      return failure;
    },
    close() {
      clear();
      void dispatcher.destroy();
    },
    translate(error) {
      if (signal.aborted) return signal.reason;
      const ours = toAppError(error);
      if (ours.code !== 'internal') return ours;
      return new AppError('bad_request', `the URL could not be fetched: ${describeFailure(error)}`, { cause: error });
    },
  };
}

/** Nothing but undici and sockets throws here, so what nobody has foreseen is the other server's doing, too. */
function describeFailure(error: unknown): string {
  const code = systemCode(error);
  if (code !== undefined) return FAILURES[code] ?? code;
  const isParser = error instanceof Error && error.name === 'HTTPParserError';
  return isParser ? 'the server does not speak valid HTTP/1.1' : 'the connection to the server failed';
}

const FAILURES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name could not be resolved just now',
  ECONNREFUSED: 'the server refused the connection',
  ECONNRESET: 'the server dropped the connection',
  UND_ERR_SOCKET: 'the server dropped the connection',
  UND_ERR_CONNECT_TIMEOUT: 'the server did not accept the connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'the server did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'the server stopped sending',
};

/** Errors: `bad_request` for anything but an absolute http or https URL without credentials. */
function parseTarget(text: string, base?: URL): URL {
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text, base?.href) : null;
  if (!url) throw new AppError('bad_request', `"url" is not a URL of at most ${MAX_URL_LENGTH} characters`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('bad_request', `only http and https URLs can be fetched, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('bad_request', 'a URL to fetch must not contain a user name or password');
  }
  return url;
}

/** Follows redirects by hand: each is a URL like the first, on a connection of its own that passes the guard again. */
async function follow(target: URL, { dispatcher, signal }: Connection): Promise<Answer> {
  let url = target;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'penstock' };
    const answer = await request(url, { dispatcher, signal, headers });
    const location = header(answer.headers, 'location');
    if (!REDIRECTS.has(answer.statusCode) || location === undefined) return { ...answer, url };
    answer.body.on('error', ignoreAbort).destroy();
    url = parseTarget(location, url);
  }
  throw new AppError('bad_request', `the URL redirects more than ${MAX_REDIRECTS} times`);
}

/** A body that is thrown away reports just that. */
function ignoreAbort(): void {}

/** The declared length, after everything that can be refused before a byte is read. */
function checkAnswer(answer: Answer, maxBytes: number): number | undefined {
  if (answer.statusCode !== 200) {
    throw new AppError('bad_request', `the URL answered with status ${answer.statusCode} instead of 200 and a file`);
  }
  const encoding = header(answer.headers, 'content-encoding') ?? 'identity';
  // undici hands compressed bytes on as they are, and unpacking what was not asked for is how bombs work (CVE-2026-22036).
  if (encoding.toLowerCase() !== 'identity') {
    throw new AppError(
      'bad_request',
      `the URL answered with Content-Encoding "${encoding}", though only identity was accepted`,
    );
  }
  // Node and undici undo chunks only; what is below them stays coded and is not the file.
  const coding = header(answer.headers, 'transfer-encoding') ?? 'chunked';
  if (coding.toLowerCase() !== 'chunked') {
    throw new AppError('bad_request', `the URL answered with Transfer-Encoding "${coding}"; only chunked is read`);
  }
  const length = header(answer.headers, 'content-length');
  if (length === undefined) return undefined;
  if (Number(length) > maxBytes) throw tooLarge(maxBytes);
  return Number(length);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('too_large', `the file behind the URL is larger than the limit of ${maxBytes} bytes`);
}

function readBody(
  body: AsyncIterable<Uint8Array>,
  { connection, maxBytes, endsByClose }: { connection: Connection; maxBytes: number; endsByClose: boolean },
): ByteSource {
  const chunks = body[Symbol.asyncIterator]();
  let received = 0;

  const read = async (signal: AbortSignal): Promise<Uint8Array | undefined> => {
    signal.throwIfAborted();
    const { value, done } = await raceSignal(chunks.next(), signal);
    if (done && endsByClose && connection.failure) throw connection.failure;
    if (done) return undefined;
    received += value.length;
    if (received > maxBytes) throw tooLarge(maxBytes);
    return value;
  };

  return createByteSource(async (signal = connection.signal) => {
    try {
      const chunk = await read(signal);
      if (!chunk) connection.close();
      return chunk;
    } catch (error) {
      connection.close();
      if (signal.aborted) throw signal.reason;
      throw connection.translate(error);
    }
  });
}
