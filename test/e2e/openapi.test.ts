import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { OPERATIONS } from '../../src/http/openapi/operations.ts';
import { ONE_PAGE } from './jobs-api.ts';
import { startServer, type TestServer } from './server.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const EXAMPLES = join(ROOT, 'examples');
const PRISM = join(dirname(fileURLToPath(import.meta.resolve('@stoplight/prism-cli/package.json'))), 'dist/index.js');
/** Shapes that must have no member that the document does not name. */
const CLOSED = ['Job', 'JobList', 'Webhook', 'Task', 'TaskList', 'Server'];

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, unknown>>;
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> };
}

async function documentOf({ url }: TestServer): Promise<Document> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as Document;
}

interface Proxy extends AsyncDisposable {
  readonly url: string;
}

/** Stoplight's Prism between caller and server: it says in a header what does not keep to the document. */
async function startPrism(server: TestServer, document: Document): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-prism-'));
  const path = join(folder, 'openapi.json');
  writeFileSync(path, JSON.stringify(document));
  const port = await freePort();
  const words = ['proxy', path, server.url, '--port', String(port), '--host', '127.0.0.1'];
  const child = spawn(process.execPath, [PRISM, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  await untilListening(child);
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(child: ChildProcess): Promise<void> {
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('is listening')) break;
  child.stdout.resume();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

interface Violation {
  readonly location: readonly string[];
  readonly severity: string;
  readonly message: string;
}

suite('openapi', () => {
  test('the document is valid OpenAPI 3.1 to a foreign validator, tasks of every kind included', async () => {
    await using server = await startServer({ args: ['--tasks', EXAMPLES] });
    const document = await documentOf(server);
    const outcome = await new Validator().validate({ ...document });
    assert.equal(outcome.valid, true, JSON.stringify(outcome.errors));
    const documented = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(
      Object.keys(OPERATIONS).filter((key) => !documented.includes(key)),
      [],
      'every described operation has a route',
    );
    for (const key of ['POST /pdf2image', 'POST /make_fries', 'GET /rotate'])
      assert.ok(documented.includes(key), `${key} is documented`);
    const dangling = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g)].filter(
      ([, pointer = '']) => !resolves(document, pointer),
    );
    assert.deepEqual(dangling, []);
  });

  test('what the server answers keeps to the document, as Prism sees it', async () => {
    await using server = await startServer({ args: ['--tasks', EXAMPLES, '--workers', '2'] });
    const document = await documentOf(server);
    for (const name of CLOSED) Object.assign(document.components.schemas[name] ?? {}, { additionalProperties: false });
    // One lie, to see that it is found.
    const health = document.paths['/healthz']?.get as { responses: Record<string, unknown> };
    const schema = { type: 'object', required: ['nothing'] };
    health.responses['200'] = { description: 'alive', content: { 'application/json': { schema } } };
    await using prism = await startPrism(server, document);
    assert.match((await fetch(`${prism.url}/healthz`)).headers.get('sl-violations') ?? '', /nothing/);

    /** The answer, once both sides are known to keep to the document; of a wrong request only the answer. */
    async function call(path: string, init: RequestInit = {}, isWrong = false): Promise<Response> {
      const answer = await fetch(prism.url + path, init);
      const violations = JSON.parse(answer.headers.get('sl-violations') ?? '[]') as Violation[];
      const counted = violations.filter(({ location }) => !isWrong || location[0] === 'response');
      assert.deepEqual(counted, [], `${init.method ?? 'GET'} ${path} -> ${answer.status}`);
      const text = answer.status >= 400 ? await answer.clone().text() : '';
      assert.equal(answer.status >= 400, isWrong, `${path} -> ${answer.status} ${text}`);
      return answer;
    }
    const send = (
      body: string | Uint8Array<ArrayBuffer>,
      type: string,
      headers: Record<string, string> = {},
    ): RequestInit => ({
      method: 'POST',
      body,
      headers: { 'content-type': type, ...headers },
    });
    const json = (value: unknown, headers = {}) => send(JSON.stringify(value), 'application/json', headers);
    const pdf = (headers = {}) => send(new Uint8Array(ONE_PAGE), 'application/pdf', headers);

    for (const key of Object.keys(OPERATIONS))
      if (/^GET [^{]*$/.test(key) && !['GET /file', 'GET /healthz'].includes(key)) await call(key.slice(4));

    const stored = (await (await call('/file?name=one.pdf', pdf())).json()) as { id: string };
    await call('/file');
    await call(`/v1/files/${stored.id}`);
    await call(`/v1/files/${stored.id}`, { headers: { range: 'bytes=0-99' } });
    const form = new FormData();
    // Prism takes the parts of a form for text.
    form.set('file', new File(['one'], 'one.txt'));
    await call('/v1/files', { method: 'POST', body: form });
    await call('/v1/files', json({ name: 'x', base64: 'aGk=' }));

    await call('/pdf2image?dpi=30', pdf());
    await call('/pdf2image', json({ file: stored.id, dpi: 31 }));
    await call('/v1/tasks/pdf2image', json({ file: stored.id, dpi: 32 }));
    const accepted = await call('/pdf2image?dpi=33', pdf({ prefer: 'respond-async' }));
    assert.equal(accepted.status, 202);
    const { id } = (await accepted.json()) as { id: string };
    await call(`/v1/jobs/${id}?wait=10`);
    for (const path of ['', '/result', '/pages/1', '/events', '/archive']) await call(`/v1/jobs/${id}${path}`);
    await call('/v1/jobs?status=succeeded&limit=1');
    await call(`/v1/jobs/${id}`, { method: 'DELETE' });
    await call('/v1/tasks/pdf2image');
    await call('/predict', json({ my_param1: 'x' }));
    await call('/hello', json({ data: 'x' }));

    const created = await call('/v1/uploads', {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '3' },
    });
    const upload = new URL(created.headers.get('location') ?? '').pathname;
    const tus = { 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    await call(upload, { method: 'PATCH', headers: tus, body: 'abc' });
    await call(upload, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } });

    const wrong: [string, RequestInit?][] = [
      ['/v1/jobs/nothing'],
      ['/v1/jobs?limit=9999'],
      ['/v1/tasks/nothing'],
      ['/v1/files/nothing'],
      ['/pdf2image?dpi=much', pdf()],
      ['/pdf2image', send('no document', 'application/octet-stream')],
      ['/pdf2image', send('no document', 'image/png')],
      ['/pdf2image', json({ file: 'nothing' })],
      ['/predict', json({})],
      ['/v1/files', json({ url: 'http://127.0.0.1/' })],
      ['/v1/files', json({ base64: '!' })],
    ];
    for (const [path, init] of wrong) await call(path, init, true);
  });

  test('/docs needs nothing from elsewhere', async () => {
    await using server = await startServer();
    const page = await fetch(`${server.url}/docs`);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    assert.equal(links.length, 3);
    for (const link of links) {
      assert.doesNotMatch(link, /^(https?:)?\/\//);
      assert.equal((await fetch(new URL(link, `${server.url}/docs`))).status, 200);
    }
    assert.equal((await fetch(`${server.url}/docs/package.json`)).status, 404);
  });
});

function resolves(document: unknown, pointer: string): boolean {
  let found = document;
  for (const step of pointer.split('/').slice(1)) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !(key in found)) return false;
    found = (found as Record<string, unknown>)[key];
  }
  return true;
}
