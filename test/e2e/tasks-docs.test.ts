import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startServer } from './server.ts';

const DOCS = readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
const SERVERLESS = new URL('../../src/serverless.ts', import.meta.url).href;
const ADDRESS = 'http://127.0.0.1:8000';

interface Snippet {
  readonly language: string;
  readonly text: string;
}

const SNIPPETS: readonly Snippet[] = [...DOCS.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', text = '']) => ({ language, text }),
);

/** `…` in the documented output stands for anything. */
function assertOutput(actual: string, expected: string, what: string): void {
  const pattern = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  assert.match(actual.trim(), new RegExp(`^${pattern.join('[^]*?').trim()}$`), `${what}\n${actual}`);
}

test('every snippet of docs/tasks.md does what the page says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-docs-'));
  using _folder = { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
  for (const { language, text } of SNIPPETS) {
    const [, path] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
    assert.equal(path !== undefined, language === 'ts', 'each file says its name, and nothing else does');
    if (path === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replace("'penstock/serverless'", `'${SERVERLESS}'`));
  }
  await using server = await startServer({ args: ['--tasks', join(folder, 'tasks'), '--workers', '2'] });
  let ran = 0;
  for (const [index, { language, text }] of SNIPPETS.entries()) {
    const next = SNIPPETS[index + 1];
    const isProgram = text.startsWith('// call-');
    if (next?.language !== 'text' || (language !== 'sh' && !isProgram)) continue;
    const [command, args] = isProgram
      ? [process.execPath, [join(folder, 'call-lambda.ts')]]
      : ['sh', ['-c', text.replaceAll(ADDRESS, server.url)]];
    const output = execFileSync(command, args, { cwd: folder, encoding: 'utf8' }).replaceAll(server.url, ADDRESS);
    assertOutput(output, next.text, text);
    ran += 1;
  }
  const shells = SNIPPETS.filter(({ language }) => language === 'text');
  assert.equal(ran, shells.length);
  assert.ok(ran >= 9);
});
