import { PenstockError } from '../client/client.ts';

/** What scripts can rely on; told by `penstock --help`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  unauthorized: 5,
  busy: 6,
  deadline: 7,
  cancelled: 8,
  interrupted: 130,
} as const;

export const EXIT_HELP = `Exit codes:
  0    done
  1    the job failed, or the server did
  2    wrong usage
  3    the server cannot be reached
  4    refused: the input or the file is not right, or there is no such thing
  5    an API key is missing or wrong
  6    the server is full or limits you, also after waiting as long as it asked
  7    the deadline passed
  8    the job was cancelled
  130  interrupted by Ctrl-C: the upload has ended or the job is cancelled`;

/** A wrong word on the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const BY_CODE: Readonly<Record<string, number>> = {
  unreachable: EXIT.unreachable,
  deadline_exceeded: EXIT.deadline,
  cancelled: EXIT.cancelled,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  internal: EXIT.failed,
  worker_crashed: EXIT.failed,
  bad_answer: EXIT.failed,
};
/** Of jobs that failed after they were accepted, these are the input's fault, too. */
const REFUSALS = new Set([
  ...['invalid_input', 'invalid_pdf', 'password_required', 'too_many_pages', 'page_too_large', 'too_large'],
  ...['unsupported_media_type', 'not_found', 'gone', 'conflict', 'blocked_address'],
]);

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof PenstockError)) return EXIT.failed;
  const { code, status } = error;
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (status === 429 || status === 503 || status === 507) return EXIT.busy;
  return REFUSALS.has(code) || (status >= 400 && status < 500) ? EXIT.refused : EXIT.failed;
}
