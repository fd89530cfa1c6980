import { createHash, type Hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

/** One request to a door, and which answer would be right. */
export interface FuzzCase {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Sent in chunks, without a length. */
  readonly isChunked: boolean;
  /** Whether these may be the digests of what was stored; none: there is no file yet. */
  isRight(stored: readonly string[]): boolean;
  /** It was not spoilt, so it must be taken. */
  readonly isWhole: boolean;
}

export type Random = () => number;

const BOUNDARY = 'frontier';
const MAX_BYTES = 12_000;

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const pick = <T>(random: Random, from: readonly T[]): T => {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
};

/** Bytes of a random kind: noise, text, and what parsers stumble over. */
function content(random: Random): Buffer {
  const length = Math.floor(random() ** 3 * MAX_BYTES);
  const bytes = Buffer.alloc(length);
  const letters = pick(random, ['', 'ab\r\n-', '"\\{}:,=', 'A\0\xff']);
  for (let at = 0; at < length; at += 1) {
    bytes[at] = letters === '' ? random() * 256 : letters.charCodeAt(Math.floor(random() * letters.length));
  }
  return bytes;
}

/** Cut, doubled, overwritten or with something put in, up to three times. */
function spoil(body: Buffer, random: Random): Buffer {
  let spoilt = body;
  for (let times = 1 + Math.floor(random() * 3); times > 0; times -= 1) {
    const at = Math.floor(random() * (spoilt.length + 1));
    const to = Math.min(spoilt.length, at + Math.floor(random() ** 2 * 200));
    const [before, after] = [spoilt.subarray(0, at), spoilt.subarray(to)];
    const put = pick(random, [
      '',
      '\0',
      '\r\n',
      `\r\n--${BOUNDARY}`,
      `--${BOUNDARY}--`,
      '"',
      '}',
      '=',
      '\\u00',
      'A',
      '\xff',
    ]);
    spoilt = pick(random, [
      before,
      Buffer.concat([before, after]),
      Buffer.concat([before, Buffer.from(put, 'latin1'), spoilt.subarray(at)]),
      Buffer.concat([spoilt.subarray(0, to), spoilt.subarray(at)]),
    ]);
  }
  return spoilt;
}

interface Made {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** `sent` may be spoilt. */
  isRight(stored: readonly string[], sent: Buffer): boolean;
}

/** The whole body is the file, where it may be stored at all. */
function one(mayBe: (sent: Buffer) => boolean): Made['isRight'] {
  return (stored, sent) => mayBe(sent) && isDeepStrictEqual(stored, [sha256(sent)]);
}

/** The body is the file; one in four claims a digest, right or not. */
function raw(random: Random): Made {
  const body = content(random);
  const claimed = random() < 0.25 ? createHash('sha256').update(body) : undefined;
  const headers = { 'content-type': pick(random, ['application/octet-stream', 'text/plain', 'image/png', 'x']) };
  return {
    path: '/file',
    headers: withDigest(headers, claimed),
    body,
    isRight: one((sent) => !claimed || sent.equals(body)),
  };
}

function withDigest(headers: Record<string, string>, claimed: Hash | undefined): Record<string, string> {
  return claimed ? { ...headers, 'content-digest': `sha-256=:${claimed.digest('base64')}:` } : headers;
}

/** A file in a form is what stands between an empty line and the next boundary; each that is stored must be one of these. */
function form(random: Random): Made {
  const parts: Buffer[] = [];
  const files: string[] = [];
  for (let left = Math.floor(random() * 4); left >= 0; left -= 1) {
    const isFile = random() < 0.7;
    const bytes = isFile ? content(random) : Buffer.from('a value');
    if (isFile) files.push(sha256(bytes));
    const disposition = `form-data; name="f${left}"${isFile ? '; filename="a b.bin"\r\nContent-Type: text/plain' : ''}`;
    parts.push(Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n\r\n`), bytes, Buffer.from('\r\n'));
  }
  const body = Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  const isRight = (stored: readonly string[], sent: Buffer) => {
    if (sent.equals(body)) return isDeepStrictEqual(stored, files);
    const possible = contentsIn(sent);
    return stored.every((digest) => possible.has(digest));
  };
  return { path: '/v1/files', headers, body, isRight };
}

function contentsIn(sent: Buffer): ReadonlySet<string> {
  const digests = new Set<string>();
  for (let start = sent.indexOf('\r\n\r\n'); start >= 0; start = sent.indexOf('\r\n\r\n', start + 1)) {
    // An empty file: the line end before its boundary is the one that ends the headers.
    const end = sent.indexOf(`\r\n--${BOUNDARY}`, start + 2);
    if (end >= 0) digests.add(sha256(sent.subarray(start + 4, Math.max(end, start + 4))));
  }
  return digests;
}

function base64(random: Random): Made {
  const members = [
    ['name', 'a.bin'],
    ['base64', content(random).toString('base64')],
    ['more', { list: [1, 'two', null] }],
  ].sort(() => random() - 0.5);
  const body = Buffer.from(JSON.stringify(Object.fromEntries(members)));
  const isRight = (stored: readonly string[], sent: Buffer) => isDeepStrictEqual(stored, [digestInJson(sent)]);
  return { path: '/v1/files', headers: { 'content-type': 'application/json' }, body, isRight };
}

/** The digest of the file in a JSON body; undefined: it is no JSON, no UTF-8, or no base64. */
function digestInJson(sent: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(sent))?.base64;
    const bytes = Buffer.from(String(value), 'base64');
    return bytes.toString('base64') === value ? sha256(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** Nothing inside may be reached: whatever the address looks like, it is a 4xx. */
function url(random: Random): Made {
  const host = pick(random, [
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '0',
  ]);
  const body = Buffer.from(JSON.stringify({ url: `http://${host}:${1 + Math.floor(random() * 65_535)}/a` }));
  return { path: '/v1/files', headers: { 'content-type': 'application/json' }, body, isRight: () => false };
}

/** Creation with upload; the length and the checksum are those of what was meant to be sent. */
function tus(random: Random): Made {
  const body = content(random);
  const hasChecksum = random() < 0.5;
  const isDue = (sent: Buffer) => sent.length === body.length && (!hasChecksum || sent.equals(body));
  const checksum = `sha1 ${createHash('sha1').update(body).digest('base64')}`;
  const headers = {
    'tus-resumable': '1.0.0',
    'content-type': 'application/offset+octet-stream',
    'upload-length': String(body.length),
    ...(hasChecksum ? { 'upload-checksum': checksum } : {}),
    ...(random() < 0.5 ? { 'upload-metadata': `filename ${pick(random, ['YS5iaW4=', 'YQ==', ''])}` } : {}),
  };
  return { path: '/v1/uploads', headers, body, isRight: one(isDue) };
}

function ietf(random: Random): Made {
  const body = content(random);
  const headers = { 'upload-complete': '?1', 'content-type': 'text/plain', 'upload-length': String(body.length) };
  return {
    path: '/v1/uploads',
    headers,
    body,
    isRight: one((sent) => sent.length === body.length),
  };
}

export const DOORS = { raw, form, base64, url, tus, ietf } as const;

/** Two of three are spoilt. */
export function makeCase(door: keyof typeof DOORS, random: Random): FuzzCase {
  const { path, headers, body, isRight } = DOORS[door](random);
  const isWhole = random() < 0.33;
  const sent = isWhole ? body : spoil(body, random);
  const isChunked = random() < 0.4;
  return {
    path,
    headers,
    body: sent,
    isChunked,
    isRight: (stored) => isRight(stored, sent),
    isWhole: isWhole && door !== 'url',
  };
}
