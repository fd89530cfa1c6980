import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startServer } from './server.ts';

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
