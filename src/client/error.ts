import type { ProblemJson } from '../api.ts';

export interface PenstockErrorOptions {
  /** HTTP status; 0: there was no answer. */
  readonly status?: number;
  /** Seconds after which the server suggests to try again. */
  readonly retryAfterS?: number | undefined;
  /** The problem document as it came. */
  readonly problem?: ProblemJson | undefined;
  /** The job that failed, where there is one. */
  readonly jobId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * What a call failed with. `code` is the server's (README, "When it says no"), or one of the client's own: `unreachable`
 * (no answer, however often tried), `bad_answer` (not what this API answers), `invalid_input` (a file it cannot send).
 */
export class PenstockError extends Error {
  override readonly name = 'PenstockError';
  readonly code: string;
  readonly status: number;
  readonly retryAfterS: number | undefined;
  readonly requestId: string | undefined;
  readonly jobId: string | undefined;
  readonly problem: ProblemJson | undefined;

  constructor(code: string, detail: string, options: PenstockErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.retryAfterS = options.retryAfterS;
    this.problem = options.problem;
    this.requestId = options.problem?.request_id;
    this.jobId = options.jobId ?? textOf(options.problem?.job_id);
  }
}

/** Reads a refusal; a body that is no problem document, a proxy's page for instance, is told by its status. */
export async function toPenstockError(response: Response): Promise<PenstockError> {
  const { status } = response;
  const retryAfterS = readRetryAfter(response.headers.get('retry-after'));
  const problem = await readProblem(response);
  if (problem) return new PenstockError(problem.code, problem.detail, { status, retryAfterS, problem });
  return new PenstockError('bad_answer', `the server answered ${status} without a reason`, { status, retryAfterS });
}

async function readProblem(response: Response): Promise<ProblemJson | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) {
    await response.body?.cancel();
    return undefined;
  }
  const parsed = (await response.json()) as Partial<ProblemJson>;
  return typeof parsed.code === 'string' && typeof parsed.detail === 'string' ? (parsed as ProblemJson) : undefined;
}

/** Seconds, or a date (RFC 9110 section 10.2.3). */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
