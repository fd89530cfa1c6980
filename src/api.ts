/** The wire's shapes, shared by the routes, the client and the OpenAPI document. JSON in snake_case; times in ISO 8601. */

export interface FileJson {
  readonly id: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly media_type: string;
  readonly created_at: string;
  readonly url: string;
}

export type JobStatusJson = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out';

export interface JobErrorJson {
  readonly code: string;
  readonly detail: string;
}

/** What became of a message to a caller's own server. */
export interface WebhookJson {
  /** Without its query. */
  readonly url: string;
  /** `failed`: given up, after the last attempt. */
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Of the last attempt. */
  readonly last_error: string | null;
  readonly next_attempt_at: string | null;
}

export interface JobJson {
  readonly id: string;
  readonly task: string;
  readonly status: JobStatusJson;
  /** 0 to 1. */
  readonly progress: number;
  readonly message: string | null;
  readonly attempt: number;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly elapsed_ms: { readonly queued: number; readonly running: number };
  /** While it waits; 1: it is the next. */
  readonly queue_position?: number;
  readonly estimated_wait_s?: number;
  readonly result?: unknown;
  readonly error?: JobErrorJson;
  /** Where `callback_url` was given. */
  readonly webhooks?: readonly WebhookJson[];
  /** By relation: `self`, `result`, `events`, `archive`. */
  readonly links: Readonly<Record<string, string>>;
}

export interface JobListJson {
  /** Newest first. */
  readonly jobs: readonly JobJson[];
  /** `after` of the next page; null: there is none. */
  readonly next: string | null;
}

/** RFC 9457 problem document with a stable `code`. */
export interface ProblemJson {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly request_id: string;
  readonly [extra: string]: unknown;
}
