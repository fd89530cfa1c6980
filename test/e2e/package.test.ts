import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { missingTool } from './tools.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PDF = join(ROOT, 'data/sample-17-pages.pdf');
const NO_CHROMIUM = missingTool('chromium');
/** What the client may weigh in a page. */
const MAX_BUNDLE_BYTES = 32 * 1024;

const TASK = `import { defineTask, z } from 'penstock';

export default defineTask({
  name: 'make_fries',
  queueSize: 100,
  input: z.object({ fries_name: z.string(), amount: z.int().default(1) }),
  result: z.string(),
  async run(input, { progress }) {
    progress(0.1, 'peeling');
    return \`Your fries \${input.fries_name} are ready\`;
  },
});
`;

const NODE_CLIENT = `import { createClient } from 'penstock/client';

const client = createClient({ url: process.env.PENSTOCK_URL });
console.log(await client.run('make_fries', { fries_name: 'Belgian' }));
const pages = [];
for await (const { page } of client.run('pdf2image', process.env.PDF, { dpi: 30 }).pages()) pages.push(page);
console.log(pages.length);
`;

const TYPED_CLIENT = `import { createClient } from 'penstock/client';
import type { Tasks } from './penstock-tasks.ts';

const client = createClient<Tasks>({ url: '' });
const fries: string = await client.tasks.make_fries({ fries_name: 'Belgian', amount: 2 });
const { page_count } = await client.run('pdf2image', new Blob([]), { dpi: 150 });
const count: number = page_count;
// @ts-expect-error the amount is a number
void client.tasks.make_fries({ fries_name: 'x', amount: 'many' });
// @ts-expect-error it needs a name
void client.run('make_fries', {});
// @ts-expect-error there is no such task
void client.run('make_pizza', {});
export { count, fries };
`;

const BROWSER_CLIENT = `import { createClient } from 'penstock/client';

globalThis.go = async (url, pdf) => {
  const client = createClient({ url });
  const fries = await client.run('make_fries', { fries_name: 'Belgian' });
  const file = new File([Uint8Array.from(atob(pdf), (letter) => letter.charCodeAt(0))], 'report.pdf');
  const events = [];
  const run = client.run('pdf2image', file, { dpi: 30 }, { onEvent: ({ type }) => events.push(type) });
  const pages = [];
  for await (const { page } of run.pages()) pages.push(page);
  const { pages: [first] } = await run;
  const image = await createImageBitmap(await (await client.download(first.url)).blob());
  const stored = await client.upload(new Blob([new Uint8Array(3_000_000)]));
  const refused = await client.run('pdf2image', new Blob(['no document'])).catch(({ code }) => code);
  return { fries, pages: pages.length, types: ['snapshot', 'page', 'done'].filter((type) => events.includes(type)), width: image.width, stored: stored.size, refused };
};
`;

const run = promisify(execFile);

async function launch(): Promise<Browser> {
  const { stdout } = await run('sh', ['-c', 'command -v chromium']);
  return chromium.launch({ executablePath: stdout.trim(), args: ['--no-sandbox'] });
}

suite('the packed tarball, installed into an empty folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-package-'));
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, NO_COLOR: '1' };
  const bin = join(folder, 'node_modules/.bin/penstock');
  const inFolder = (command: string, args: readonly string[], more: Record<string, string> = {}) =>
    run(command, args, { cwd: folder, env: { ...env, ...more } });
  let server: ChildProcess;
  let url = '';

  before(async () => {
    await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, env });
    const [tarball = ''] = readdirSync(folder);
    await inFolder('npm', ['init', '-y']);
    await inFolder('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`]);
    mkdirSync(join(folder, 'tasks'));
    writeFileSync(join(folder, 'tasks/make-fries.ts'), TASK);
    const words = ['serve', '--port', '0', '--tasks', 'tasks', '--rate-limit', '0', '--allow-origins', '*'];
    server = spawn(bin, [...words, '--log-format', 'json', '--log-level', 'warn'], {
      ...{ cwd: folder, env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.ok(server.stdout);
    for await (const line of createInterface({ input: server.stdout })) {
      [url = ''] = /http:\/\/\S+?:\d+/.exec(line) ?? [];
      if (url !== '') break;
    }
    assert.notEqual(url, '', 'it serves');
  });

  after(async () => {
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
    assert.equal(server.exitCode, 0);
  });

  test('curl calls the task, and the one that comes with it', async () => {
    const fries = await inFolder('curl', ['-sS', '-d', 'fries_name=Belgian', `${url}/make_fries`]);
    assert.equal(JSON.parse(fries.stdout), 'Your fries Belgian are ready');
    const pages = await inFolder('curl', ['-sS', '--data-binary', `@${PDF}`, `${url}/pdf2image?dpi=30&pages=1-2`]);
    assert.equal(JSON.parse(pages.stdout).page_count, 2);
    const page = await inFolder('curl', ['-sSI', `${url}/docs/swagger-ui-bundle.js`]);
    assert.match(page.stdout, /^HTTP\/1.1 200/);
  });

  test('the client calls both from Node', async () => {
    writeFileSync(join(folder, 'call.mjs'), NODE_CLIENT);
    const { stdout } = await inFolder(process.execPath, ['call.mjs'], { PENSTOCK_URL: url, PDF });
    assert.deepEqual(stdout.trim().split('\n'), ['Your fries Belgian are ready', '17']);
  });

  test('the command line calls both', async () => {
    const at = { PENSTOCK_URL: url };
    const fries = await inFolder(bin, ['run', 'make_fries', '-i', 'fries_name=Belgian'], at);
    assert.equal(fries.stdout.trim(), 'Your fries Belgian are ready');
    await inFolder(bin, ['run', 'pdf2image', PDF, '-i', 'dpi=30', '-i', 'pages=1-3', '-o', 'pages'], at);
    assert.equal(readdirSync(join(folder, 'pages')).length, 3);
  });

  test('types of the running server let calls be checked', async () => {
    await inFolder(bin, ['types', url, '-o', 'penstock-tasks.ts']);
    writeFileSync(join(folder, 'typed.mts'), TYPED_CLIENT);
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    // Without the types of Node: a page has none.
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom'];
    await inFolder(tsc, [...flags, '--allowImportingTsExtensions', 'typed.mts']).catch(({ stdout }) =>
      assert.fail(stdout),
    );
  });

  test('a small bundle of the client runs in Chromium', { skip: NO_CHROMIUM ?? false }, async () => {
    writeFileSync(join(folder, 'page.js'), BROWSER_CLIENT);
    const [bundle] = (
      await build({
        ...{ entryPoints: [join(folder, 'page.js')], bundle: true, minify: true, write: false },
        ...{ format: 'iife', platform: 'browser', logLevel: 'error' },
      })
    ).outputFiles;
    assert.ok(bundle);
    assert.ok(gzipSync(bundle.contents).byteLength < MAX_BUNDLE_BYTES, `${bundle.contents.byteLength} bytes`);
    const browser = await launch();
    const site = createServer((_, answer) => {
      answer.setHeader('content-type', 'text/html').end(`<script>${bundle.text}</script>`);
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    try {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
      const call = `go(${JSON.stringify(url)}, ${JSON.stringify(readFileSync(PDF).toString('base64'))})`;
      assert.deepEqual(await page.evaluate(call), {
        fries: 'Your fries Belgian are ready',
        pages: 17,
        types: ['snapshot', 'page', 'done'],
        width: 248,
        stored: 3_000_000,
        refused: 'invalid_pdf',
      });
    } finally {
      await browser.close();
      site.close();
      site.closeAllConnections();
    }
  });

  test('the reference page draws in Chromium and asks nobody else', { skip: NO_CHROMIUM ?? false }, async () => {
    const browser = await launch();
    try {
      const page = await browser.newPage();
      const asked = new Set<string>();
      page.on('request', (request) =>
        asked.add(new URL(request.url()).protocol === 'data:' ? url : new URL(request.url()).origin),
      );
      await page.goto(`${url}/docs`);
      await page.getByText('/make_fries', { exact: false }).first().waitFor();
      assert.deepEqual([...asked], [url]);
    } finally {
      await browser.close();
    }
  });
});
