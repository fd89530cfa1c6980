import assert from 'node:assert/strict';
import { RawClient } from '../contracts/raw-client.ts';
import { ONE_PAGE } from './jobs-api.ts';
import type { TestServer } from './server.ts';

const TUS = { 'tus-resumable': '1.0.0' };
const JSON_BODY = { 'content-type': 'application/json' };
/** A page that takes many seconds. */
export const LONG = '?dpi=900&format=webp&quality=100';

export interface Failure {
  readonly status: number;
  readonly problem: {
    readonly code?: string;
    readonly status?: number;
    readonly detail?: string;
    readonly request_id?: string;
  };
  readonly headers: Headers;
}

export async function read(answer: Response): Promise<Failure> {
  const problem = (await answer.json()) as Failure['problem'];
  return { status: answer.status, problem, headers: answer.headers };
}

export function post(path: string, body: Uint8Array | string, headers: Record<string, string> = {}) {
  return async ({ url }: Pick<TestServer, 'url'>) => {
    const bytes = typeof body === 'string' ? body : new Uint8Array(body);
    return read(await fetch(url + path, { method: 'POST', body: bytes, headers }));
  };
}

export const get =
  (path: string, init: RequestInit = {}) =>
  async ({ url }: Pick<TestServer, 'url'>) =>
    read(await fetch(url + path, init));
/** Exactly these bytes, and the answer to them. */
export async function raw({ port }: TestServer, text: string): Promise<Failure> {
  const client = await RawClient.open(port);
  try {
    await client.send(text);
    const answer = (await client.response()) ?? assert.fail('no answer');
    return { status: answer.status, problem: JSON.parse(answer.body), headers: new Headers([...answer.headers]) };
  } finally {
    await client.close();
  }
}

/** While `held` has sent its head and a part of its body. */
export async function whileHeld(server: TestServer, held: string, body: () => Promise<Failure>): Promise<Failure> {
  const client = await RawClient.open(server.port);
  try {
    await client.send(`${held}\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart`);
    const uploads = async () =>
      ((await (await fetch(`${server.url}/v1/server`)).json()) as { uploads: { active: number } }).uploads;
    while ((await uploads()).active === 0);
    return await body();
  } finally {
    await client.close();
  }
}

export async function whileWorking(server: TestServer, body: () => Promise<Failure>): Promise<Failure> {
  const caller = new AbortController();
  const call = fetch(`${server.url}/pdf2image${LONG}`, {
    method: 'POST',
    body: new Uint8Array(ONE_PAGE),
    signal: caller.signal,
  });
  call.catch(() => undefined);
  const isRunning = async () =>
    ((await (await fetch(`${server.url}/v1/jobs?status=running`)).json()) as { jobs: unknown[] }).jobs.length > 0;
  try {
    while (!(await isRunning()));
    return await body();
  } finally {
    caller.abort();
  }
}

export async function createTusUpload({ url }: TestServer, headers: Record<string, string>): Promise<string> {
  const created = await fetch(`${url}/v1/uploads`, { method: 'POST', headers: { ...TUS, ...headers } });
  assert.equal(created.status, 201);
  return new URL(created.headers.get('location') ?? '', url).pathname;
}

export const patch = (path: string, body: string, headers: Record<string, string> = {}) =>
  get(path, {
    method: 'PATCH',
    body,
    headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream', ...headers },
  });

/** Two writers on one upload: the second is told so. */
export async function secondWriter(server: TestServer): Promise<Failure> {
  const path = await createTusUpload(server, { 'upload-length': '1000' });
  const head = `PATCH ${path} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream`;
  return whileHeld(server, head, () => patch(path, 'x')(server));
}

export async function joinedUpload(server: TestServer): Promise<Failure> {
  const part = await createTusUpload(server, { 'upload-length': '1', 'upload-concat': 'partial' });
  await fetch(server.url + part, {
    method: 'PATCH',
    body: 'x',
    headers: { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
  });
  const whole = await createTusUpload(server, { 'upload-concat': `final;${part}` });
  return patch(whole, 'x', { 'upload-offset': '1' })(server);
}

export async function expired(server: TestServer): Promise<Failure> {
  const { url } = server;
  const started = await fetch(`${url}/pdf2image?dpi=30`, {
    method: 'POST',
    body: new Uint8Array(ONE_PAGE),
    headers: { prefer: 'respond-async' },
  });
  const { id } = (await started.json()) as { id: string };
  let answer: Response;
  do answer = await fetch(`${url}/v1/jobs/${id}?wait=1`);
  while (answer.status === 200);
  return read(answer);
}

export async function draining(server: TestServer): Promise<Failure> {
  return whileWorking(server, async () => {
    server.child.kill('SIGTERM');
    while ((await fetch(`${server.url}/readyz`)).status === 200);
    return post('/pdf2image', ONE_PAGE)(server);
  });
}

/** The answer to a call whose job somebody else ends. */
export async function cancelled(server: TestServer): Promise<Failure> {
  const call = fetch(`${server.url}/ending`, {
    method: 'POST',
    headers: JSON_BODY,
    body: '{"how":"works","ms":20000}',
  });
  for (;;) {
    const { jobs } = (await (await fetch(`${server.url}/v1/jobs?status=running`)).json()) as { jobs: { id: string }[] };
    for (const { id } of jobs) await fetch(`${server.url}/v1/jobs/${id}`, { method: 'DELETE' });
    if (jobs.length > 0) return read(await call);
  }
}

/** Nobody reads the answer: what it would have been is in the log. */
export async function clientGone(server: TestServer): Promise<Failure> {
  const client = await RawClient.open(server.port);
  await client.send('POST /file HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone\r\nContent-Length: 1000\r\n\r\npart');
  while (
    ((await (await fetch(`${server.url}/v1/server`)).json()) as { uploads: { active: number } }).uploads.active === 0
  );
  await client.close();
  const isLogged = () =>
    server
      .log()
      .split('\n')
      .find((line) => line.includes('"gone"') && line.includes('client_gone'));
  while (!isLogged()) await fetch(`${server.url}/healthz`);
  const { status, code } = JSON.parse(isLogged() ?? '{}') as { status: number; code: string };
  const problem = { code, status, detail: 'in the log only', request_id: 'gone' };
  return { status, problem, headers: new Headers({ 'content-type': 'application/problem+json' }) };
}

/** One byte after the other, so long apart. */
export function slowly(everyMs: number): (server: TestServer) => Promise<Failure> {
  return async ({ port }) => {
    const client = await RawClient.open(port);
    await client.send('POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx');
    const drip = setInterval(() => void client.send('x'), everyMs);
    try {
      const answer = (await client.response()) ?? assert.fail('no answer');
      return { status: answer.status, problem: JSON.parse(answer.body), headers: new Headers([...answer.headers]) };
    } finally {
      clearInterval(drip);
      await client.close();
    }
  };
}
