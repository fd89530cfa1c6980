/**
 * Every way a call can fail, as one closed list. `http/status.ts` maps each code to its HTTP status and metrics use the
 * codes as labels, so a new code does not compile until both know it. The meaning of each is the README's failure table.
 */
export const ERROR_CODES = [
  'bad_request',
  'bad_framing',
  'bad_multipart',
  'bad_base64',
  'digest_mismatch',
  'checksum_mismatch',
  'unauthorized',
  'forbidden',
  'blocked_address',
  'not_found',
  'method_not_allowed',
  'conflict',
  'gone',
  'locked',
  'upload_too_slow',
  'upload_stalled',
  'length_required',
  'too_large',
  'unsupported_media_type',
  'range_not_satisfiable',
  'precondition_failed',
  'invalid_input',
  'invalid_pdf',
  'password_required',
  'too_many_pages',
  'page_too_large',
  'rate_limited',
  'queue_full',
  'too_many_uploads',
  'draining',
  'engine_unavailable',
  'deadline_exceeded',
  'cancelled',
  'client_gone',
  'storage_full',
  'internal',
  'worker_crashed',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface AppErrorOptions {
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfterS?: number;
  /** Extra members of the problem document (RFC 9457 section 3.2), for instance a job id. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error type that crosses a folder's border. `detail` is public: what failed, why, and how to fix it. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryAfterS: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, detail: string, options: AppErrorOptions = {}) {
    const { stackTraceLimit } = Error;
    // An answer has no use for a stack, and under overload to capture it would cost more than the refusal.
    if (code !== 'internal') Error.stackTraceLimit = 0;
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.retryAfterS = options.retryAfterS;
    this.extra = options.extra ?? {};
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, [ErrorCode, string]>> = {
  ENOSPC: ['storage_full', 'the disk is full: free space in the data directory and send it again'],
  EDQUOT: ['storage_full', 'the disk quota is used up: free space in the data directory and send it again'],
  EROFS: ['storage_full', 'the disk is read-only, so nothing can be stored: make the data directory writable again'],
  EMFILE: ['too_many_uploads', 'the server has no file descriptor left: try again shortly'],
  ENFILE: ['too_many_uploads', 'the system has no file descriptor left: try again shortly'],
  EFBIG: ['too_large', 'the file is larger than the server may write'],
};

/** What the file system's refusals mean to a caller; anything unknown is `internal` and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const known = SYSTEM_ERRORS[systemCode(error) ?? ''];
  if (known) {
    const [code, detail] = known;
    return new AppError(code, detail, { cause: error, ...(code === 'too_large' ? {} : { retryAfterS: 10 }) });
  }
  return new AppError('internal', 'the server failed to do this; the log has the details under the request id', {
    cause: error,
  });
}

/** libuv has no name for this one: Node tells the number only. */
const EDQUOT = -122;

/** The `code` of a Node system error (`ENOENT`, `EIO`), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if ('errno' in error && error.errno === EDQUOT) return 'EDQUOT';
  return typeof error.code === 'string' ? error.code : undefined;
}
