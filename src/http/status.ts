import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '../core/errors.ts';

/** Code -> HTTP status; a new code does not compile until it stands here. */
const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  bad_framing: 400,
  bad_multipart: 400,
  bad_base64: 400,
  digest_mismatch: 400,
  unauthorized: 401,
  forbidden: 403,
  blocked_address: 403,
  not_found: 404,
  method_not_allowed: 405,
  upload_too_slow: 408,
  upload_stalled: 408,
  conflict: 409,
  cancelled: 409,
  gone: 410,
  length_required: 411,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  invalid_input: 422,
  invalid_pdf: 422,
  password_required: 422,
  too_many_pages: 422,
  page_too_large: 422,
  locked: 423,
  rate_limited: 429,
  checksum_mismatch: 460,
  /** Never sent: there is nobody to read it. */
  client_gone: 499,
  internal: 500,
  worker_crashed: 500,
  queue_full: 503,
  too_many_uploads: 503,
  draining: 503,
  engine_unavailable: 503,
  deadline_exceeded: 504,
  storage_full: 507,
};

export function statusOf(code: ErrorCode): number {
  return STATUS_OF[code];
}

/** Statuses that Node's table does not know: nginx's 499, tus 1.0's 460. */
const OWN_PHRASES: Readonly<Record<number, string>> = { 460: 'Checksum Mismatch', 499: 'Client Closed Request' };

/** `Not Found` for 404. */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? OWN_PHRASES[status] ?? 'Unknown';
}

/** True where HTTP allows neither a body nor a Content-Length (RFC 9110 sections 6.4.1 and 8.6). */
export function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
