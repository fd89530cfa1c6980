import type { JobJson } from '../api.ts';
import { type RunOptions, readCall, sendCall, streamCall } from './call.ts';
import { createJobs, type Jobs, type Wait } from './jobs.ts';
import { createRequester, type RequesterOptions } from './requester.ts';
import { jobOf, type Run, startRun } from './run.ts';
import { type FileSource, openSource } from './source.ts';
import type { CallArguments, KnownTasks, TaskMap } from './types.ts';
import { type UploadedFile, type UploadOptions, type UploadProgress, uploadResumable } from './upload.ts';

export type { JobErrorJson, JobJson, JobListJson, JobStatusJson, ProblemJson } from '../api.ts';
export type { RunOptions } from './call.ts';
export { PenstockError } from './error.ts';
export type { PageJson } from './follow.ts';
export type { JobFilter, Jobs } from './jobs.ts';
export type { RetryNotice } from './patience.ts';
export type { Run, RunEvent } from './run.ts';
export type { FileSource } from './source.ts';
export type { KnownTasks, Pdf2ImageInput, Pdf2ImageResult, TaskTypes } from './types.ts';
export type { UploadedFile, UploadProgress } from './upload.ts';

export type ClientOptions = RequesterOptions;

/** A task as `GET /v1/tasks` tells it. */
export interface TaskJson {
  readonly name: string;
  readonly description: string | null;
  /** stream: its items come one by one. */
  readonly answer: 'sync' | 'async' | 'stream';
  /** JSON Schemas (draft 2020-12). */
  readonly input_schema: JsonSchema;
  readonly result_schema: JsonSchema | null;
  /** Places for files; the first one takes the file that a call is made with. */
  readonly files: readonly {
    readonly name: string;
    readonly media_types: readonly string[] | null;
    readonly optional: boolean;
    readonly many: boolean;
  }[];
}

type JsonSchema = Readonly<Record<string, unknown>>;

export interface Client<Tasks extends TaskMap<Tasks> = KnownTasks> {
  /** `await client.run('pdf2image', file, { dpi: 150 })` is the result; without `await` it is a handle on the job. */
  run<Name extends keyof Tasks & string>(
    task: Name,
    ...call: CallArguments<Tasks[Name], RunOptions>
  ): Run<Tasks[Name]['result']>;
  /** Leaves the job to itself as soon as the server has accepted it. Errors: PenstockError, `no_job` of an endpoint that has none. */
  submit<Name extends keyof Tasks & string>(
    task: Name,
    ...call: CallArguments<Tasks[Name], RunOptions>
  ): Promise<JobJson>;
  /** The items of a task that streams them, as they come; leaving the loop ends the job. */
  stream<Name extends keyof Tasks & string>(
    task: Name,
    ...call: CallArguments<Tasks[Name], RunOptions>
  ): AsyncIterable<unknown>;
  /** The same as `run`, as functions: `client.tasks.pdf2image(file, { dpi: 150 })`. */
  readonly tasks: {
    readonly [Name in keyof Tasks]: (...call: CallArguments<Tasks[Name], RunOptions>) => Run<Tasks[Name]['result']>;
  };
  readonly jobs: Jobs;
  /** Stores a file, to be named in later calls as `{ file: id }`. */
  upload(file: FileSource, options?: UploadOptions & { readonly name?: string }): Promise<UploadedFile>;
  /** The bytes behind a `url` of a result, with this client's key and patience. */
  download(url: string, options?: Wait): Promise<Response>;
  /** The tasks that the server has. */
  describe(options?: Wait): Promise<readonly TaskJson[]>;
  /** State and capacity, as `GET /v1/server` tells them. */
  server(options?: Wait): Promise<Readonly<Record<string, unknown>>>;
}

/** A client of one server. It holds no connection of its own, so there is nothing to close. */
export function createClient<Tasks extends TaskMap<Tasks> = KnownTasks>(options: ClientOptions): Client<Tasks> {
  const requester = createRequester(options);

  function run(task: string, ...given: readonly unknown[]): Run {
    const call = readCall(task, given);
    const { signal, onEvent } = call.options;
    return startRun({ requester, accept: (tools) => sendCall(requester, call, tools), signal, onEvent });
  }

  async function submit(task: string, ...given: readonly unknown[]): Promise<JobJson> {
    const call = readCall(task, given);
    const { signal = new AbortController().signal, onEvent } = call.options;
    const onUpload = (progress: UploadProgress) => onEvent?.({ type: 'upload', upload: progress });
    return jobOf(await sendCall(requester, call, { signal, onUpload }));
  }

  async function upload(file: FileSource, { name, ...rest }: UploadOptions & { name?: string } = {}) {
    const source = await openSource(file, name);
    try {
      return await uploadResumable(requester, source, rest);
    } finally {
      await source.close();
    }
  }

  const client: Client = {
    run,
    submit,
    stream: (task, ...given) => streamCall(requester, readCall(task, given)),
    tasks: functionsOf(run),
    jobs: createJobs(requester),
    upload,
    download: (url, { signal } = {}) => requester.send(url, { signal }),
    describe: async ({ signal } = {}) =>
      (await requester.json<{ tasks: readonly TaskJson[] }>('/v1/tasks', { signal })).tasks,
    server: ({ signal } = {}) => requester.json('/v1/server', { signal }),
  };
  return client as unknown as Client<Tasks>;
}

/** Any name is a task: which there are only the server knows. */
function functionsOf(run: (task: string, ...given: readonly unknown[]) => Run): Client['tasks'] {
  return new Proxy<Record<string, (...given: readonly unknown[]) => Run>>(Object.create(null), {
    // Whoever awaits or prints the object asks for names that are no tasks.
    get: (_, name) =>
      typeof name === 'string' && name !== 'then' ? (...given: readonly unknown[]) => run(name, ...given) : undefined,
  }) as unknown as Client['tasks'];
}
