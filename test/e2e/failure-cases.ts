import { readFileSync } from 'node:fs';
import type { ErrorCode } from '../../src/core/errors.ts';
import {
  cancelled,
  clientGone,
  createTusUpload,
  draining,
  expired,
  type Failure,
  get,
  joinedUpload,
  LONG,
  patch,
  post,
  raw,
  secondWriter,
  slowly,
  whileHeld,
  whileWorking,
} from './failure-ways.ts';
import { ONE_PAGE, SAMPLE } from './jobs-api.ts';
import type { TestServer } from './server.ts';

const TASKS = new URL('../fixtures/user-tasks', import.meta.url).pathname;
const NO_PDF = Buffer.from('this is not a pdf');
const PASSWORD = readFileSync(new URL('../../data/failures/password.pdf', import.meta.url));

export interface FailureCase {
  readonly code: ErrorCode;
  readonly status: number;
  /** Of a server of its own; none: one that many share. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Waiting helps, and the answer says how long. */
  readonly hasRetryAfter?: boolean;
  readonly provoke: (server: TestServer) => Promise<Failure>;
}

export const SHARED_ARGS = ['--workers', '1', '--tasks', TASKS, '--max-pages', '16', '--max-upload-bytes', '1MiB'];
const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'multipart/form-data; boundary=b' };
const zeros = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;

/** Each code that a caller may meet, and one way to meet it. */
export const FAILURES: readonly FailureCase[] = [
  { code: 'bad_request', status: 400, provoke: post('/pdf2image', ONE_PAGE, { 'idempotency-key': 'unquoted' }) },
  {
    code: 'bad_framing',
    status: 400,
    provoke: (server) => raw(server, 'POST /file HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n'),
  },
  { code: 'bad_multipart', status: 400, provoke: post('/v1/files', 'no parts', form) },
  { code: 'bad_base64', status: 400, provoke: post('/v1/files', '{"name":"a","base64":"*"}', json) },
  { code: 'digest_mismatch', status: 400, provoke: post('/file', 'x', { 'content-digest': zeros }) },
  { code: 'unauthorized', status: 401, args: ['--api-keys', 'secret'], provoke: post('/file', 'x') },
  { code: 'forbidden', status: 403, provoke: joinedUpload },
  {
    code: 'blocked_address',
    status: 403,
    provoke: post('/v1/files', '{"name":"a","url":"http://127.0.0.1:1/"}', json),
  },
  { code: 'not_found', status: 404, provoke: get('/v1/jobs/01HZZZZZZZZZZZZZZZZZZZZZZZ') },
  { code: 'method_not_allowed', status: 405, provoke: get('/file', { method: 'PUT', body: 'x' }) },
  {
    code: 'upload_too_slow',
    status: 408,
    args: ['--upload-grace', '0', '--min-upload-rate', '100000'],
    provoke: slowly(200),
  },
  { code: 'upload_stalled', status: 408, args: ['--upload-grace', '25'], provoke: slowly(60_000) },
  {
    code: 'conflict',
    status: 409,
    provoke: async (server) => {
      const failed = await post('/pdf2image', NO_PDF, { prefer: 'respond-async' })(server);
      const { id } = failed.problem as { id?: string };
      await fetch(`${server.url}/v1/jobs/${id}?wait=10`);
      return get(`/v1/jobs/${id}/result`)(server);
    },
  },
  { code: 'cancelled', status: 409, args: ['--workers', '1', '--tasks', TASKS], provoke: cancelled },
  { code: 'gone', status: 410, args: ['--retention', '1'], provoke: expired },
  { code: 'length_required', status: 411, provoke: (server) => raw(server, 'POST /file HTTP/1.1\r\nHost: x\r\n\r\n') },
  {
    code: 'precondition_failed',
    status: 412,
    provoke: get('/v1/uploads', { method: 'POST', headers: { 'tus-resumable': '0.2.2', 'upload-length': '1' } }),
  },
  { code: 'too_large', status: 413, provoke: post('/file', new Uint8Array(2 ** 20 + 1)) },
  { code: 'unsupported_media_type', status: 415, provoke: post('/pdf2image', 'x', { 'content-type': 'image/png' }) },
  {
    code: 'range_not_satisfiable',
    status: 416,
    provoke: async (server) => {
      await post('/file', 'x')(server);
      return get('/file', { headers: { range: 'bytes=5-' } })(server);
    },
  },
  { code: 'invalid_input', status: 422, provoke: post('/pdf2image?dpi=abc', ONE_PAGE) },
  { code: 'invalid_pdf', status: 422, provoke: post('/pdf2image', NO_PDF) },
  { code: 'password_required', status: 422, provoke: post('/pdf2image', PASSWORD) },
  { code: 'too_many_pages', status: 422, provoke: post('/pdf2image', SAMPLE) },
  { code: 'page_too_large', status: 422, provoke: post('/pdf2image?dpi=2400', ONE_PAGE) },
  { code: 'locked', status: 423, provoke: secondWriter },
  {
    code: 'rate_limited',
    status: 429,
    hasRetryAfter: true,
    args: ['--rate-limit', '1'],
    provoke: async (server) => {
      await post('/file', 'x')(server);
      return post('/file', 'x')(server);
    },
  },
  {
    code: 'checksum_mismatch',
    status: 460,
    provoke: async (server) => {
      const path = await createTusUpload(server, { 'upload-length': '1' });
      return patch(path, 'x', { 'upload-checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` })(server);
    },
  },
  { code: 'client_gone', status: 499, provoke: clientGone },
  { code: 'internal', status: 500, provoke: post('/ending', '{"how":"throws"}', json) },
  { code: 'worker_crashed', status: 500, provoke: post('/ending', '{"how":"dies"}', json) },
  {
    code: 'queue_full',
    status: 503,
    hasRetryAfter: true,
    args: ['--workers', '1', '--queue-size', '0'],
    provoke: (server) => whileWorking(server, () => post('/pdf2image', ONE_PAGE)(server)),
  },
  {
    code: 'too_many_uploads',
    status: 503,
    hasRetryAfter: true,
    args: ['--max-uploads', '1'],
    provoke: (server) => whileHeld(server, 'POST /file HTTP/1.1', () => post('/file', 'x')(server)),
  },
  { code: 'draining', status: 503, hasRetryAfter: true, args: ['--workers', '1'], provoke: draining },
  {
    code: 'engine_unavailable',
    status: 503,
    hasRetryAfter: true,
    args: ['--workers', '1'],
    env: { NODE_OPTIONS: `--import ${new URL('../fixtures/no-hosts.ts', import.meta.url).pathname}` },
    provoke: post('/pdf2image', ONE_PAGE),
  },
  { code: 'deadline_exceeded', status: 504, provoke: post(`/pdf2image${LONG}&deadline=0.5`, ONE_PAGE) },
  {
    code: 'storage_full',
    status: 507,
    args: ['--max-upload-bytes', '100TiB'],
    provoke: (server) => raw(server, `POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: ${90 * 2 ** 40}\r\n\r\n`),
  },
];
