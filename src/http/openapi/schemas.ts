import { ERROR_CODES } from '../../core/errors.ts';
import { FORMATS, type JsonSchema, list, object, ref } from './shapes.ts';

const { text, count, time, uri, number, nullable } = FORMATS;

/** The wire's shapes of api.ts as JSON Schemas; the contract test holds them against what the server sends. */
export const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  File: object({
    id: text('a ULID'),
    name: text(),
    size: count('bytes'),
    sha256: text('hexadecimal'),
    media_type: text('told from the content'),
    created_at: time,
    url: uri,
  }),
  Form: object({
    files: list({ allOf: [ref('File'), object({ field: text('of the form') })] }),
    fields: { type: 'object', description: 'the other fields of the form' },
  }),
  JobStatus: { type: 'string', enum: ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out'] },
  Job: object(
    {
      id: text('a ULID'),
      task: text(),
      status: ref('JobStatus'),
      progress: { ...number, minimum: 0, maximum: 1 },
      message: nullable('string'),
      attempt: count('runs that began'),
      created_at: time,
      started_at: { ...time, type: ['string', 'null'] },
      finished_at: { ...time, type: ['string', 'null'] },
      elapsed_ms: object({ queued: number, running: number }),
      links: { type: 'object', additionalProperties: uri, description: 'self, result, events, archive' },
    },
    {
      queue_position: count('while it waits; 1: it is the next'),
      estimated_wait_s: number,
      result: { description: 'of a job that succeeded, in the shape of its task' },
      error: object({ code: ref('ErrorCode'), detail: text() }),
      webhooks: list(ref('Webhook')),
    },
  ),
  Webhook: object({
    url: text('without its query'),
    status: { type: 'string', enum: ['pending', 'delivered', 'failed'] },
    attempts: count(),
    last_error: nullable('string'),
    next_attempt_at: { ...time, type: ['string', 'null'] },
  }),
  JobList: object({ jobs: list(ref('Job')), next: { ...nullable('string'), description: '`after` of the next page' } }),
  Task: object({
    name: text(),
    description: nullable('string'),
    path: text('the short path'),
    methods: list(text()),
    runs: { type: 'string', enum: ['worker', 'inline'] },
    answer: { type: 'string', enum: ['sync', 'async', 'stream'] },
    can_stream: { type: 'boolean' },
    input_schema: { type: 'object', description: 'JSON Schema, draft 2020-12' },
    result_schema: nullable('object'),
    files: list(
      object({
        name: text(),
        kind: text(),
        description: text(),
        media_types: { type: ['array', 'null'], items: text() },
        optional: { type: 'boolean' },
        many: { type: 'boolean' },
      }),
    ),
    accepts: { type: ['array', 'null'], items: text() },
    queue_size: count('jobs that may wait'),
    concurrency: count('jobs at work at once'),
    queues: { type: 'string', enum: ['shared', 'per-worker'] },
    deadline: { ...number, description: 'seconds' },
    max_deadline: { ...number, description: 'seconds' },
    priority: { type: 'integer' },
    retries: count(),
    is_cached: { type: 'boolean' },
    queue: {
      oneOf: [object({ waiting: count(), running: count(), free: count() }), { type: 'null' }],
      description: 'null: it runs in the server itself',
    },
  }),
  TaskList: object({ tasks: list(ref('Task')) }),
  Server: object({
    draining: { type: 'boolean' },
    uploads: object({ active: count(), free: count() }),
    workers: { type: 'object', description: 'how many there are, idle, busy, restarted' },
    tasks: list(
      object({ task: text(), waiting: count(), running: count(), free_slots: count(), estimated_wait_s: number }),
    ),
  }),
  State: object({ status: text() }, { reason: text() }),
  ErrorCode: { type: 'string', enum: [...ERROR_CODES] },
  Problem: {
    ...object({
      type: text(),
      title: text(),
      status: { type: 'integer' },
      code: ref('ErrorCode'),
      detail: text('what failed, why, and what to do'),
      request_id: text('also in the log of the server'),
    }),
    description: 'RFC 9457, with members of its own for some codes, such as `job_id`',
  },
};
