import type { JobJson } from '../api.ts';
import { readItems } from './items.ts';
import type { Requester } from './requester.ts';
import type { Accepted, RunEvent, SendTools } from './run.ts';
import { type FileSource, isFileSource, openSource, type Source } from './source.ts';
import { uploadResumable } from './upload.ts';

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

interface Prepared {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob | string;
}

/** A file of at most so many bytes goes with the call itself. */
const WITH_THE_CALL_BYTES = 512 * 1024;
/** A call that is aborted while it is answered may have made a job, which only its answer names. */
const LAST_WORD_MS = 2000;
/** Names that a query gives a meaning of its own. */
const CALL_PARAMETERS = ['name', 'deadline', 'on_timeout', 'priority', 'callback_url'];

/** `(file, input, options)` or `(input, options)`. */
export function readCall(task: string, given: readonly unknown[]): TaskCall {
  const [first, ...rest] = given;
  const file = isFileSource(first) ? first : undefined;
  const [input, options] = file === undefined ? given : rest;
  return { task, file, input: { ...(input ?? {}) }, options: { ...(options ?? {}) } };
}

/** Resolves when the job will survive the caller, or with what an endpoint without jobs answers. */
export async function sendCall(requester: Requester, call: TaskCall, tools: SendTools): Promise<Accepted> {
  const { path, headers, body } = await prepare(requester, call, tools);
  const key = JSON.stringify(call.options.idempotencyKey ?? newKey());
  const { value, headers: answered } = await requester.answer(path, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': key, prefer: 'respond-async' },
    body,
    signal: tools.signal,
    abortGraceMs: LAST_WORD_MS,
  });
  const location = answered.get('location');
  if (location === null) return { result: value };
  // A task may answer the making of a job in a shape of its own.
  const isJob = typeof value === 'object' && value !== null && 'links' in value && 'status' in value;
  return { job: isJob ? (value as JobJson) : await requester.json<JobJson>(location) };
}

/** The items of a task that streams them. It is done once: a stream that breaks off is an error. */
export async function* streamCall(requester: Requester, call: TaskCall): AsyncGenerator<unknown> {
  const signal = call.options.signal ?? new AbortController().signal;
  const { path, headers, body } = await prepare(requester, call, { signal, onUpload: () => undefined });
  const accept = { accept: 'application/x-ndjson' };
  const left = new AbortController();
  try {
    const signals = AbortSignal.any([signal, left.signal]);
    yield* readItems(
      await requester.send(path, { method: 'POST', headers: { ...headers, ...accept }, body, signal: signals }),
      signals,
    );
  } finally {
    left.abort();
  }
}

/** A small file becomes the call's body and the input its query, if that can say it; all other files are uploaded first. */
async function prepare(requester: Requester, call: TaskCall, tools: SendTools): Promise<Prepared> {
  const { task, options } = call;
  const query = new URLSearchParams();
  if (options.deadlineS !== undefined) query.set('deadline', String(options.deadlineS));
  if (options.priority !== undefined) query.set('priority', String(options.priority));
  const body = await bodyOf(requester, call, { ...tools, query });
  const type = body instanceof Blob ? 'application/octet-stream' : 'application/json';
  const fresh = options.isFresh ? { 'cache-control': 'no-cache' } : undefined;
  const path = `/v1/tasks/${encodeURIComponent(task)}${query.size > 0 ? `?${query}` : ''}`;
  return { path, headers: { 'content-type': type, ...fresh }, body };
}

async function bodyOf(
  requester: Requester,
  { file, input, options }: TaskCall,
  tools: SendTools & { readonly query: URLSearchParams },
): Promise<Blob | string> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) members[name] = await withoutFiles(requester, value, tools);
  if (file === undefined) return JSON.stringify(members);
  const source = await openSource(file, options.name);
  try {
    if (!isSmall(source) || !isPlain(input)) {
      const { id } = await uploadResumable(requester, source, { signal: tools.signal, onProgress: tools.onUpload });
      return JSON.stringify({ ...members, file: id });
    }
    if (source.name !== undefined) tools.query.set('name', source.name);
    for (const [name, value] of Object.entries(input)) if (value !== undefined) tools.query.set(name, String(value));
    const { bytes } = await source.read(0, WITH_THE_CALL_BYTES);
    return new Blob([bytes]);
  } finally {
    await source.close();
  }
}

/** A member that is a file, or a list of them, goes as the ids under which they are stored. Text is text, no path. */
async function withoutFiles(requester: Requester, value: unknown, tools: SendTools): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((one) => withoutFiles(requester, one, tools)));
  if (typeof value === 'string' || !isFileSource(value)) return value;
  const source = await openSource(value);
  try {
    return (await uploadResumable(requester, source, { signal: tools.signal, onProgress: tools.onUpload })).id;
  } finally {
    await source.close();
  }
}

function isSmall({ totalBytes }: Source): boolean {
  return totalBytes !== undefined && totalBytes > 0 && totalBytes <= WITH_THE_CALL_BYTES;
}

/** Names that a query gives another meaning, and values that it cannot tell, need JSON. */
function isPlain(input: TaskCall['input']): boolean {
  return Object.entries(input).every(([name, value]) => {
    if (CALL_PARAMETERS.includes(name)) return false;
    if (typeof value === 'string') return value !== '';
    return value === undefined || typeof value === 'number' || typeof value === 'boolean';
  });
}

/** `crypto.randomUUID` is missing on pages that came over plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, '0')).join('');
}
