import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startServer } from './server.ts';
import { serveTasks } from './task-folder.ts';

const SAMPLE = readSample('sample-17-pages');
const FOREIGN_FONTS = readSample('sample-fonts-not-embedded');

interface Rendered {
  readonly pages: readonly { readonly page: number; readonly engine: string; readonly bytes: number }[];
}

function readSample(name: string): Buffer {
  return readFileSync(new URL(`../../data/${name}.pdf`, import.meta.url));
}

async function render(url: string, query: string, body = SAMPLE): Promise<Response> {
  return fetch(`${url}/pdf2image${query}`, { method: 'POST', body });
}

for (const [setting, expected, foreignFonts] of [
  ['pdfium', 'pdfium', 'pdfium'],
  ['pdfjs', 'pdfjs', 'pdfjs'],
  ['auto', 'pdfium', 'pdfjs'],
] as const) {
  test(`engine ${setting}: every page says which engine drew it`, async () => {
    await using server = await startServer({ args: ['--engine', setting] });
    for (const [body, engine] of [
      [SAMPLE, expected],
      [FOREIGN_FONTS, foreignFonts],
    ] as const) {
      const answer = await render(server.url, '?dpi=50', body);
      assert.equal(answer.status, 200, server.log());
      const { pages } = (await answer.json()) as Rendered;
      assert.deepEqual([...new Set(pages.map((page) => page.engine))], [engine]);
    }
  });
}

test('the level small makes smaller files', async () => {
  await using server = await startServer();
  const bytesOf = async (query: string) => {
    const { pages } = (await (await render(server.url, query)).json()) as Rendered;
    return pages.reduce((sum, { bytes }) => sum + bytes, 0);
  };
  assert.ok((await bytesOf('?dpi=72&level=small')) < (await bytesOf('?dpi=72&level=fast')));
});

test('a page that takes longer than its limit ends the job', async () => {
  await using server = await startServer({ args: ['--page-timeout', '0.1', '--workers', '1', '--engine', 'pdfjs'] });
  const answer = await render(server.url, '?dpi=600&pages=7');
  assert.equal(answer.status, 504);
  const { code, detail } = (await answer.json()) as { code: string; detail: string };
  assert.equal(code, 'deadline_exceeded');
  assert.match(detail, /longer than 0\.1 s/);
});

/** As a document would that crashes the native library: each part dies of it, twice were too often. */
const CRASHING = `
import { readFileSync } from 'node:fs';
import { defineTask } from 'penstock';
const draw = async (context) => {
  const document = await context.raster.open(context.files.document.path, {});
  await document.render(1, { scale: 0.2, transparent: false, maxPixels: 1e6 });
  const isNative = readFileSync('/proc/self/maps', 'latin1').includes('libpdfium');
  if (isNative) process.kill(process.pid, 'SIGSEGV');
  return isNative;
};
export default defineTask({
  name: 'crashing',
  files: { document: { kind: 'pdf' } },
  plan: async (_input, context) => [await draw(context), 2, 3, 4].slice(1),
  part: async (_input, _part, context) => ({ value: await draw(context), outputs: [] }),
  combine: (values) => values,
});
`;

test('what crashes the native library is drawn in WebAssembly, at the cost of few workers', async (context) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    context.skip('there is no native library for this machine');
    return;
  }
  await using server = await serveTasks({ crashing: CRASHING }, ['--workers', '1']);
  const answer = await fetch(`${server.url}/crashing`, { method: 'POST', body: SAMPLE });
  assert.equal(answer.status, 200, server.log());
  assert.deepEqual(await answer.json(), [false, false, false]);
  const { workers } = (await (await fetch(`${server.url}/v1/server`)).json()) as { workers: { restarts: number } };
  // The plan's; more only where a thread loads the library in a moment of idleness.
  assert.ok(workers.restarts >= 1 && workers.restarts <= 3, `${workers.restarts} workers died`);
});
