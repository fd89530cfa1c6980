import { AppError } from '../core/errors.ts';
import { isDeeper, MAX_JSON_DEPTH } from '../core/json-depth.ts';

/** Bytes a task's result may have as JSON: outputs are files, a result only names them. */
export const MAX_RESULT_BYTES = 8 * 2 ** 20;

/**
 * A task's result as JSON; `undefined` becomes null. Unlike JSON.stringify it refuses what would silently turn into
 * something else, and says where. Error: `internal`, naming the task.
 */
export function encodeResult(value: unknown, task: string): string {
  const json = stringify(value ?? null, task);
  const bytes = Buffer.byteLength(json);
  if (isDeeper(json)) throw refusal(task, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (bytes <= MAX_RESULT_BYTES) return json;
  throw refusal(
    task,
    `is ${bytes} bytes of JSON, more than ${MAX_RESULT_BYTES}: write it to a file in context.scratchDir`,
  );
}

function stringify(value: unknown, task: string): string {
  try {
    return JSON.stringify(value, function check(this: Record<string, unknown>, key, mapped: unknown) {
      const what = notJson(this[key]);
      if (what === undefined) return mapped;
      throw refusal(task, `has ${what} at ${key === '' ? 'its top' : `'${key}'`}, which is not JSON`);
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refusal(task, `is not JSON: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`, error);
  }
}

function notJson(value: unknown): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`;
  if (value instanceof Map || value instanceof Set || value instanceof Promise) return `a ${value.constructor.name}`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 'binary data';
  return undefined;
}

function refusal(task: string, why: string, cause?: unknown): AppError {
  return new AppError('internal', `task ${task} failed: its result ${why}`, { cause });
}
