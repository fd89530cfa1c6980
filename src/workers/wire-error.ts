import { AppError, ERROR_CODES, type ErrorCode, toAppError } from '../core/errors.ts';
import type { Unit, WireError } from './protocol.ts';

const MAX_MESSAGE_CHARS = 4096;
const MAX_STACK_CHARS = 16_384;

/**
 * What a task threw, made public: an AppError keeps its code and words, a disk that takes nothing more is `storage_full`, anything
 * else says which task, what and where.
 */
export function toWireError(error: unknown, task: string): WireError {
  const stack = error instanceof Error ? error.stack?.slice(0, MAX_STACK_CHARS) : undefined;
  const message = error instanceof Error ? error.message : `it threw ${describe(error)}, which is not an Error`;
  if (isAppError(error)) {
    const { code, retryAfterS, extra } = error;
    return { code, message: message.slice(0, MAX_MESSAGE_CHARS), stack, retryAfterS, extra: plainCopy(extra) };
  }
  const known = toAppError(error);
  if (known.code === 'storage_full')
    return { code: known.code, message: known.message, stack, retryAfterS: known.retryAfterS, extra: {} };
  const at = userFrame(stack ?? '');
  const detail = `task ${task} failed: ${message.slice(0, MAX_MESSAGE_CHARS)}${at ? ` (${at})` : ''}`;
  return { code: undefined, message: detail, stack, retryAfterS: undefined, extra: {} };
}

/** The AppError on this side of the border; the stack of the other side is its cause's. */
export function fromWireError({ code, message, stack, retryAfterS, extra }: WireError): AppError {
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return new AppError(code ?? 'internal', message, {
    extra,
    cause,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

export function crashError({ task }: Unit, reason: string, isRetry: boolean): AppError {
  const often = isRetry ? ' twice' : '';
  return new AppError(
    'worker_crashed',
    `task ${task}: its worker died${often} on this job (${reason}); the log has more`,
  );
}

/** By its members: a user's task may have loaded its own copy of the class. */
function isAppError(error: unknown): error is AppError {
  if (!(error instanceof Error) || error.name !== 'AppError' || !('code' in error)) return false;
  return ERROR_CODES.includes(error.code as ErrorCode);
}

const FRAME = /(?:\(|file:\/\/|\s)(\/[^():]+):(\d+):\d+\)?$/;

/** `thumbnail.ts:12` of the first stack frame that is neither Node's, a package's nor ours; no folder, since it is public. */
function userFrame(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, path, lineNumber] = FRAME.exec(line) ?? [];
    if (path === undefined || path.includes('/node_modules/') || path.startsWith(OWN_FOLDER)) continue;
    return `${path.slice(path.lastIndexOf('/') + 1)}:${lineNumber}`;
  }
  return undefined;
}

const OWN_FOLDER = new URL('.', import.meta.url).pathname;

function plainCopy(extra: unknown): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(extra ?? {}));
  } catch (error) {
    return { extra_lost: String(error) };
  }
}

function describe(value: unknown): string {
  return typeof value === 'object' ? 'an object' : String(value).slice(0, 200);
}
