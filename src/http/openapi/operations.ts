import { bytes, content, FORMATS, header, json, type OpenApiObject, parameter, ref } from './shapes.ts';

const { text, count } = FORMATS;

const ID = parameter('id', 'path', { description: 'as the server gave it', schema: text() });
const WAIT = parameter('wait', 'query', {
  description: 'seconds until the answer at most',
  schema: { type: 'number', minimum: 0 },
});
const NAME = parameter('name', 'query', { description: 'of the file' });
const NO_CONTENT: OpenApiObject = { description: 'done' };
const LOCATION = { location: header('of what was made') };

const ANY_BODY = { required: true, content: { 'application/octet-stream': { schema: {} }, '*/*': { schema: {} } } };
const DOORS = {
  required: true,
  content: {
    'application/octet-stream': { schema: {} },
    '*/*': { schema: {} },
    'multipart/form-data': { schema: { type: 'object', additionalProperties: true } },
    'application/json': {
      schema: {
        type: 'object',
        properties: { name: text(), base64: text('or a data: URL'), url: text('http or https, fetched by the server') },
      },
    },
  },
};

const TUS = [
  parameter('Tus-Resumable', 'header', { description: '1.0.0 for tus; absent for the IETF draft' }),
  parameter('Upload-Complete', 'header', { description: 'of the IETF draft: ?1 with the last bytes' }),
];
const UPLOAD_STATE = {
  'upload-offset': header('bytes that are stored', count()),
  'content-location': header('the file, once the upload is complete'),
  link: header('rel="job": the job that works on it'),
};

/** What each route of the product does, by `METHOD path`; the test demands an entry for each, and a route for each entry. */
export const OPERATIONS: Readonly<Record<string, OpenApiObject>> = {
  'POST /file': {
    ...{ tags: ['files'], operationId: 'store_raw', summary: 'Stores the body as it is' },
    ...{ parameters: [NAME], requestBody: ANY_BODY },
    responses: { 201: json('stored', ref('File'), LOCATION) },
  },
  'GET /file': {
    ...{ tags: ['files'], operationId: 'newest_file', summary: 'The newest stored file' },
    responses: { 200: bytes('its bytes'), 304: { description: 'unchanged' } },
  },
  'POST /v1/files': {
    ...{
      tags: ['files'],
      operationId: 'store',
      summary: 'Stores the body, the files of a form, or what JSON holds or points to',
    },
    ...{ parameters: [NAME], requestBody: DOORS },
    responses: { 201: json('stored', { anyOf: [ref('File'), ref('Form')] }) },
  },
  'GET /v1/files/{id}': {
    ...{
      tags: ['files'],
      operationId: 'read_file',
      summary: 'The bytes of a file, with Range and ETag',
      parameters: [ID],
    },
    responses: { 200: bytes('its bytes'), 206: bytes('the range'), 304: { description: 'unchanged' } },
  },
  'DELETE /v1/files/{id}': {
    ...{ tags: ['files'], operationId: 'delete_file', summary: 'Deletes a file', parameters: [ID] },
    responses: { 204: NO_CONTENT },
  },
  'POST /v1/uploads': {
    ...{
      tags: ['uploads'],
      operationId: 'create_upload',
      summary: 'Begins a resumable upload (tus 1.0.0, or the IETF draft)',
    },
    parameters: [
      ...TUS,
      parameter('Upload-Length', 'header', { description: 'bytes in all', schema: count() }),
      parameter('Upload-Defer-Length', 'header', { description: '1: told later' }),
      parameter('Upload-Metadata', 'header', { description: 'filename, task and input, each in base64' }),
      parameter('Upload-Concat', 'header', { description: 'partial, or final;URLs' }),
    ],
    requestBody: { required: false, content: content('application/offset+octet-stream', {}) },
    responses: { 201: { description: 'begun', headers: { ...LOCATION, ...UPLOAD_STATE } } },
  },
  ...uploadOperations(),
  'POST /v1/tasks/{task}': {
    ...{ tags: ['tasks'], operationId: 'run_task', summary: 'Runs a task by its name; each has a short path, too' },
    parameters: [parameter('task', 'path', { description: 'its name' })],
    requestBody: {
      required: false,
      content: {
        'application/octet-stream': { schema: {} },
        'multipart/form-data': { schema: { type: 'object' } },
        'application/json': { schema: { type: 'object' } },
      },
    },
    responses: { 200: json('the result', {}), 202: json('the job, with Prefer: respond-async', ref('Job'), LOCATION) },
  },
  'GET /v1/tasks': {
    ...{ tags: ['tasks'], operationId: 'list_tasks', summary: 'The tasks, their schemas and their queues' },
    responses: { 200: json('all tasks', ref('TaskList')) },
  },
  'GET /v1/tasks/{task}': {
    ...{ tags: ['tasks'], operationId: 'show_task', summary: 'One task' },
    parameters: [parameter('task', 'path', { description: 'its name' })],
    responses: { 200: json('the task', ref('Task')) },
  },
  'GET /v1/jobs': {
    ...{ tags: ['jobs'], operationId: 'list_jobs', summary: 'Jobs, newest first' },
    parameters: [
      parameter('task', 'query', { description: 'only of this task' }),
      parameter('status', 'query', { description: 'only in this state', schema: ref('JobStatus') }),
      parameter('after', 'query', { description: 'the `next` of the page before' }),
      parameter('limit', 'query', {
        description: 'at most so many',
        schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
      }),
    ],
    responses: { 200: json('a page of jobs', ref('JobList')) },
  },
  'GET /v1/jobs/{id}': {
    ...{
      tags: ['jobs'],
      operationId: 'show_job',
      summary: 'A job, when it has ended or `wait` is over',
      parameters: [ID, WAIT],
    },
    responses: { 200: json('the job', ref('Job')) },
  },
  'DELETE /v1/jobs/{id}': {
    ...{
      tags: ['jobs'],
      operationId: 'cancel_job',
      summary: 'Cancels a job; one outcome, however often',
      parameters: [ID],
    },
    responses: { 200: json('what became of it', ref('Job')) },
  },
  'GET /v1/jobs/{id}/events': {
    ...{
      tags: ['jobs'],
      operationId: 'follow_job',
      summary: 'Server-sent events: snapshot, then page and progress, at last done',
    },
    parameters: [ID, parameter('Last-Event-ID', 'header', { description: 'goes on after it' })],
    responses: { 200: bytes('the events', 'text/event-stream'), 204: { description: 'all told already' } },
  },
  'GET /v1/jobs/{id}/result': {
    ...{ tags: ['jobs'], operationId: 'job_result', summary: 'The result of a job that succeeded', parameters: [ID] },
    responses: { 200: json('the result', {}) },
  },
  'GET /v1/jobs/{id}/pages/{page}': {
    ...{ tags: ['jobs'], operationId: 'job_page', summary: "One page's image, as soon as it is ready" },
    parameters: [ID, parameter('page', 'path', { description: 'from 1', schema: { type: 'integer', minimum: 1 } })],
    responses: { 200: bytes('the image'), 206: bytes('the range'), 304: { description: 'unchanged' } },
  },
  'GET /v1/jobs/{id}/files/{file}': {
    ...{ tags: ['jobs'], operationId: 'job_file', summary: "A file among a job's results" },
    parameters: [ID, parameter('file', 'path', { description: 'as the result links to it' })],
    responses: { 200: bytes('its bytes'), 206: bytes('the range'), 304: { description: 'unchanged' } },
  },
  'GET /v1/jobs/{id}/archive': {
    ...{
      tags: ['jobs'],
      operationId: 'job_archive',
      summary: 'All files of a job as a zip, streamed while they still come',
      parameters: [ID],
    },
    responses: { 200: bytes('the zip', 'application/zip') },
  },
  'GET /healthz': {
    ...{ tags: ['operations'], operationId: 'health', summary: 'Alive', security: [] },
    responses: { 200: json('alive', ref('State')) },
  },
  'GET /readyz': {
    ...{ tags: ['operations'], operationId: 'ready', summary: 'Ready for traffic', security: [] },
    responses: { 200: json('ready', ref('State')), 503: json('draining, or out of disk', ref('State')) },
  },
  'GET /metrics': {
    ...{ tags: ['operations'], operationId: 'metrics', summary: 'Prometheus metrics' },
    responses: { 200: { description: 'text format 0.0.4', content: content('text/plain', text()) } },
  },
  'GET /v1/server': {
    ...{ tags: ['operations'], operationId: 'server', summary: 'State and capacity' },
    responses: { 200: json('now', ref('Server')) },
  },
  'GET /openapi.json': {
    ...{ tags: ['operations'], operationId: 'openapi', summary: 'This document', security: [] },
    responses: { 200: json('OpenAPI 3.1', { type: 'object' }) },
  },
};

function uploadOperations(): Record<string, OpenApiObject> {
  const tags = ['uploads'];
  const one = { tags, parameters: [ID, ...TUS] };
  const state = { description: 'how far it is', headers: UPLOAD_STATE };
  const offset = parameter('Upload-Offset', 'header', { description: 'where the bytes go on', schema: count() });
  return {
    'OPTIONS /v1/uploads': {
      tags,
      operationId: 'discover_uploads',
      summary: 'What is spoken here',
      responses: { 204: NO_CONTENT },
    },
    'OPTIONS /v1/uploads/{id}': {
      ...one,
      operationId: 'discover_upload',
      summary: 'What is spoken here',
      responses: { 204: NO_CONTENT },
    },
    'HEAD /v1/uploads/{id}': {
      ...one,
      operationId: 'upload_state',
      summary: 'How far an upload is',
      responses: { 200: state, 204: state },
    },
    'GET /v1/uploads/{id}': {
      ...one,
      operationId: 'upload_state_get',
      summary: 'The same',
      responses: { 200: state, 204: state },
    },
    'PATCH /v1/uploads/{id}': {
      ...{ tags, operationId: 'append', summary: 'Appends bytes', parameters: [...one.parameters, offset] },
      requestBody: {
        required: false,
        content: { 'application/offset+octet-stream': { schema: {} }, 'application/partial-upload': { schema: {} } },
      },
      responses: { 201: json('complete, of the IETF draft', ref('File')), 204: state },
    },
    'DELETE /v1/uploads/{id}': {
      ...one,
      operationId: 'end_upload',
      summary: 'Ends an upload and drops its bytes',
      responses: { 204: NO_CONTENT },
    },
    'POST /v1/uploads/{id}': {
      ...one,
      operationId: 'upload_override',
      summary: 'For clients that cannot PATCH: X-HTTP-Method-Override',
      responses: { 204: state },
    },
  };
}
