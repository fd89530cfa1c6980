import { PenstockError } from './error.ts';

/** Lines of JSON (application/x-ndjson), one value each. Error: the one that the stream ends with, `unreachable` if it breaks. */
export async function* readItems(response: Response, signal: AbortSignal): AsyncGenerator<unknown> {
  for await (const line of readLines(response, signal)) {
    const item: unknown = JSON.parse(line);
    const error = errorOf(item);
    if (error) throw error;
    yield item;
  }
}

async function* readLines({ body }: Response, signal: AbortSignal): AsyncGenerator<string> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = done ? '' : (lines.pop() ?? '');
      yield* lines.filter((line) => line !== '');
      if (done) return;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new PenstockError('unreachable', 'the connection broke while items came', { cause: error });
  }
}

/** `{"error": {"code", "detail"}}` is the last line of a stream that failed. */
function errorOf(item: unknown): PenstockError | undefined {
  if (typeof item !== 'object' || item === null || !('error' in item)) return undefined;
  const { code, detail, job_id: jobId } = { ...(item.error as Record<string, unknown>) };
  if (typeof code !== 'string' || typeof detail !== 'string') return undefined;
  return new PenstockError(code, detail, { jobId: typeof jobId === 'string' ? jobId : undefined });
}
