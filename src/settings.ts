import { availableParallelism } from 'node:os';

/** What a setting's text may be; `unit` and the bounds are shown by --help and in the README. */
export type SettingKind =
  | { readonly type: 'text' }
  | { readonly type: 'list' }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly of: readonly string[] }
  /** `bytes` accepts 5GiB, 64MB, 300k; `s` accepts 90, 1.5, 30s, 5m, 24h. Kept in bytes and seconds. */
  | {
      readonly type: 'number';
      readonly unit: 'count' | 'bytes' | 's' | 'B/s';
      readonly min: number;
      readonly max: number;
      readonly whole: boolean;
    };

export interface Setting<T> {
  readonly kind: SettingKind;
  readonly default: T;
  readonly doc: string;
}

const text = (value: string, doc: string): Setting<string> => ({ kind: { type: 'text' }, default: value, doc });
const list = (doc: string): Setting<readonly string[]> => ({ kind: { type: 'list' }, default: [], doc });
const flag = (doc: string): Setting<boolean> => ({ kind: { type: 'flag' }, default: false, doc });
const choice = <const C extends string>(value: NoInfer<C>, of: readonly C[], doc: string): Setting<C> => ({
  kind: { type: 'choice', of },
  default: value,
  doc,
});
const count = (value: number, [min, max]: readonly [number, number], doc: string): Setting<number> => ({
  kind: { type: 'number', unit: 'count', min, max, whole: true },
  default: value,
  doc,
});
const bytes = (value: number, [min, max]: readonly [number, number], doc: string): Setting<number> => ({
  kind: { type: 'number', unit: 'bytes', min, max, whole: true },
  default: value,
  doc,
});
const seconds = (value: number, [min, max]: readonly [number, number], doc: string): Setting<number> => ({
  kind: { type: 'number', unit: 's', min, max, whole: false },
  default: value,
  doc,
});

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const DAY_S = 86_400;

/**
 * Every setting of the server, once. The key `maxUploadBytes` is the flag `--max-upload-bytes`, the variable
 * `PENSTOCK_MAX_UPLOAD_BYTES` and the line `"max-upload-bytes"` of the `--config` file; flags win over environment over file.
 */
export const SETTINGS = {
  host: text('127.0.0.1', 'address to listen on; 0.0.0.0 for all'),
  port: count(8000, [0, 65_535], 'TCP port; 0 picks a free one, the chosen address is printed'),
  dataDir: text('./var', 'folder of files, results and temporary data; made if missing'),
  tasks: list('folders or files of your own tasks, .ts or .js; repeatable'),
  watch: flag('start over when one of the tasks changes, for development'),
  workers: count(availableParallelism(), [1, 256], 'workers for CPU-heavy tasks'),
  backend: choice('http', ['http', 'runpod'], "where work comes from: HTTP calls, or RunPod's queue of jobs"),
  deployment: choice(
    'localhost',
    ['localhost', 'hosted', 'serverless'],
    'serverless: no HTTP server, work is taken from the backend',
  ),
  isolation: choice(
    'process',
    ['process', 'thread'],
    'process: each worker in a process of its own; thread: in this one',
  ),
  queueSize: count(100, [0, 1_000_000], 'jobs of a task that may wait beyond the running ones; past it 503'),
  deadline: seconds(60, [0.001, DAY_S], 'how long a caller waits for a job unless it says ?deadline='),
  maxDeadline: seconds(600, [0.001, 7 * DAY_S], 'the longest deadline that a caller may ask for'),
  maxUploadBytes: bytes(5 * GIB, [1, 100 * TIB], 'largest upload; past it 413'),
  maxUploads: count(2000, [1, 1_000_000], 'uploads at once; past it 503'),
  maxCallerUploads: count(
    0,
    [0, 1_000_000],
    'uploads at once of one caller, and resumable ones not finished: the API key, without keys the address; past it 503; 0 as many as max-uploads',
  ),
  minUploadRate: {
    kind: { type: 'number', unit: 'B/s', min: 0, max: GIB, whole: true },
    default: 1024,
    doc: 'slowest average over 20 s that an upload may have after the grace; below it 408; 0 off',
  } satisfies Setting<number>,
  uploadGrace: seconds(20, [0, 3600], 'first seconds of an upload in which its rate does not count'),
  channelBytes: bytes(
    512 * 1024,
    [16 * 1024, 64 * MIB],
    'size of the channel between the reader and the writer of an upload',
  ),
  urlTimeout: seconds(120, [0.1, DAY_S], 'how long fetching a {"url"} may take in all'),
  allowAddresses: list(
    'inside addresses that URLs may point to all the same: CIDRs, addresses, hosts, host:port; repeatable',
  ),
  allowOrigins: list('web origins whose pages may call this server, as https://app.example; * for all; repeatable'),
  rateLimit: count(
    60,
    [0, 1_000_000],
    'calls per minute of one address or key that bring bytes or make work; past it 429; 0 off',
  ),
  rateLimitKey: choice(
    'address',
    ['address', 'api-key'],
    'what the rate limit counts by: the address, or the API key where one is sent',
  ),
  trustedProxies: list('addresses or CIDRs whose X-Forwarded-For, -Proto and -Host are believed; repeatable'),
  apiKeys: list('accepted API keys (Authorization: Bearer KEY, or X-Api-Key); repeatable; none: no key is asked for'),
  engine: choice(
    'auto',
    ['auto', 'pdfium', 'pdfjs'],
    'what draws pages; auto: PDFium, which is faster, and pdf.js for pages that it cannot draw or is slow with',
  ),
  pdfium: choice(
    'native',
    ['native', 'wasm'],
    'native: machine code, where there is a build for the machine; wasm: half as long again, what it does to memory stays inside',
  ),
  maxPages: count(2000, [1, 100_000], 'pages that one job may render; past it 422'),
  pageTimeout: seconds(20, [0.1, DAY_S], 'how long one page may take to draw; past it the job ends with 504'),
  maxPixels: count(100_000_000, [1, 1_000_000_000], 'pixels of one page image; past it 422'),
  workerMemory: bytes(2 * GIB, [256 * MIB, TIB], 'memory of one worker process; one that passes it is replaced'),
  webhookSecret: list(
    'signs webhooks: whsec_ and 24 to 64 bytes in base64; repeatable, to replace one; none: made once, in data-dir/webhook-secret',
  ),
  webhookAttempts: count(8, [1, 20], 'attempts for each webhook, in 1 s, 4 s, 16 s and so on up to 1 h'),
  retention: seconds(DAY_S, [1, 3650 * DAY_S], 'how long files and results are kept'),
  minFreeBytes: bytes(
    256 * MIB,
    [0, 100 * TIB],
    'free disk, at most 5 % of it all, below which uploads get 507 and the server is not ready',
  ),
  drainTimeout: seconds(30, [0, 3600], 'how long SIGTERM waits for running uploads and jobs'),
  transport: choice('auto', ['auto', 'uws', 'node'], 'HTTP server: uWebSockets.js, node:http, or the first that loads'),
  trace: flag('print the reader (left) and the writer (right) of each upload in one request as their turns change'),
  logLevel: choice('info', ['debug', 'info', 'warn', 'error', 'silent'], 'least severe lines to log'),
  logFormat: choice('auto', ['auto', 'pretty', 'json'], 'auto: pretty on a terminal, JSON otherwise'),
};

type Settings = typeof SETTINGS;
export type SettingName = keyof Settings;

/** Frozen and complete: numbers in bytes and seconds. */
export type Config = { readonly [Name in SettingName]: Settings[Name]['default'] };

/** `maxUploadBytes` -> `max-upload-bytes`. */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Other names of variables, for those who come from FastTaskAPI; the setting's own wins. */
export const ALIASES: Readonly<
  Record<string, { readonly name: SettingName; readonly values?: Record<string, string> }>
> = {
  FTAPI_HOST: { name: 'host' },
  FTAPI_PORT: { name: 'port' },
  FTAPI_BACKEND: { name: 'backend', values: { fastapi: 'http' } },
  FTAPI_DEPLOYMENT: { name: 'deployment' },
};

/** `maxUploadBytes` -> `PENSTOCK_MAX_UPLOAD_BYTES`. */
export function variableName(name: string): string {
  return `PENSTOCK_${flagName(name).replaceAll('-', '_').toUpperCase()}`;
}
