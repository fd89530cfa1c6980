import type { JobJson } from '../api.ts';
import type { Requester } from './requester.ts';
import type { RunEvent } from './run.ts';
import { type FileSource, isFileSource, openSource, type Source } from './source.ts';
import { type UploadProgress, uploadResumable } from './upload.ts';

export interface RunOptions {
  /** Its abort ends the upload or cancels the job. */
  readonly signal?: AbortSignal;
  /** Seconds that the job may take in all; default: as long as it needs. */
  readonly deadlineS?: number;
  /** -10 to 10; among waiting jobs the higher goes first. */
  readonly priority?: number;
  /** The file's name; default: its own, where it has one. */
  readonly name?: string;
  /** Do the work anew, even if the server has the result of the same. */
  readonly isFresh?: boolean;
  /** Calls with the same key make one job; default: a key of this call, so that its repetitions do. */
  readonly idempotencyKey?: string;
  readonly onEvent?: (event: RunEvent) => void;
}

/** One call of a task, its arguments told apart. */
export interface TaskCall {
  readonly task: string;
  readonly file: FileSource | undefined;
  readonly input: Readonly<Record<string, unknown>>;
  readonly options: RunOptions;
}

/** A file of at most so many bytes goes with the call itself. */
const WITH_THE_CALL_BYTES = 512 * 1024;

/** `(file, input, options)` or `(input, options)`. */
export function readCall(task: string, given: readonly unknown[]): TaskCall {
  const [first, ...rest] = given;
  const file = isFileSource(first) ? first : undefined;
  const [input, options] = file === undefined ? given : rest;
  return { task, file, input: { ...(input ?? {}) }, options: { ...(options ?? {}) } };
}

/** A call that is aborted while it is answered may have made a job, which only its answer names. */
const LAST_WORD_MS = 2000;

/** Brings the file and the input to the server; resolves when the job will survive it. Errors: PenstockError, the signal's reason. */
export async function sendCall(
  requester: Requester,
  { task, file, input, options }: TaskCall,
  tools: { readonly signal: AbortSignal; readonly onUpload: (progress: UploadProgress) => void },
): Promise<JobJson> {
  const query = new URLSearchParams();
  if (options.deadlineS !== undefined) query.set('deadline', String(options.deadlineS));
  if (options.priority !== undefined) query.set('priority', String(options.priority));
  const headers = {
    prefer: 'respond-async',
    'idempotency-key': JSON.stringify(options.idempotencyKey ?? newKey()),
    ...(options.isFresh ? { 'cache-control': 'no-cache' } : {}),
  };
  const body = file === undefined ? bodyOf(input) : await sendFile(requester, { file, input, options, query }, tools);
  const suffix = query.size > 0 ? `?${query}` : '';
  return requester.json<JobJson>(`/v1/tasks/${encodeURIComponent(task)}${suffix}`, {
    method: 'POST',
    headers: { ...headers, ...body.headers },
    body: body.content,
    signal: tools.signal,
    abortGraceMs: LAST_WORD_MS,
  });
}

interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Blob | string;
}

function bodyOf(members: Readonly<Record<string, unknown>>): Body {
  return { headers: { 'content-type': 'application/json' }, content: JSON.stringify(members) };
}

/** A small file becomes the call's body and the input its query, if that can say it; any other file is uploaded first. */
async function sendFile(
  requester: Requester,
  call: { file: FileSource; input: TaskCall['input']; options: RunOptions; query: URLSearchParams },
  tools: { readonly signal: AbortSignal; readonly onUpload: (progress: UploadProgress) => void },
): Promise<Body> {
  const source = await openSource(call.file, call.options.name);
  try {
    if (isSmall(source) && isPlain(call.input)) {
      const { bytes } = await source.read(0, WITH_THE_CALL_BYTES);
      if (source.name !== undefined) call.query.set('name', source.name);
      for (const [name, value] of Object.entries(call.input))
        if (value !== undefined) call.query.set(name, String(value));
      return { headers: { 'content-type': 'application/octet-stream' }, content: new Blob([bytes]) };
    }
    const { signal, onUpload: onProgress } = tools;
    const { id } = await uploadResumable(requester, source, { signal, onProgress });
    return bodyOf({ ...call.input, file: id });
  } finally {
    await source.close();
  }
}

function isSmall({ totalBytes }: Source): boolean {
  return totalBytes !== undefined && totalBytes > 0 && totalBytes <= WITH_THE_CALL_BYTES;
}

/** Names that a query gives another meaning, and values that it cannot tell, need JSON. */
function isPlain(input: TaskCall['input']): boolean {
  return Object.entries(input).every(
    ([name, value]) =>
      !['name', 'deadline', 'on_timeout', 'priority'].includes(name) &&
      (value === undefined ||
        ['number', 'boolean'].includes(typeof value) ||
        (typeof value === 'string' && value !== '')),
  );
}

/** `crypto.randomUUID` is missing on pages that came over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('');
}
