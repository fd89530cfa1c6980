import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type TestServer } from './server.ts';

/** A folder of task files outside of the repository, as a user has one. */
export interface TaskFolder extends Disposable {
  readonly path: string;
  write(name: string, source: string): void;
}

/** `files`: name without extension -> what stands after the import of defineTask and z. */
export function makeTaskFolder(files: Readonly<Record<string, string>>): TaskFolder {
  const path = mkdtempSync(join(tmpdir(), 'penstock-tasks-'));
  const write = (name: string, source: string) => {
    const isWhole = source.includes('import ');
    writeFileSync(join(path, `${name}.ts`), isWhole ? source : `import { defineTask, z } from 'penstock';\n${source}`);
  };
  for (const [name, source] of Object.entries(files)) write(name, source);
  return { path, write, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The server with such a folder. */
export async function serveTasks(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<TestServer & { readonly folder: TaskFolder }> {
  const folder = makeTaskFolder(files);
  const server = await startServer({ args: ['--tasks', folder.path, '--workers', '2', ...args] });
  const dispose = server[Symbol.asyncDispose];
  return {
    ...server,
    folder,
    [Symbol.asyncDispose]: async () => {
      await dispose();
      folder[Symbol.dispose]();
    },
  };
}

/** Starts the server with such a folder, for a start that fails: its exit code and what it says. */
export async function failToStart(files: Readonly<Record<string, string>>, args: readonly string[] = []) {
  using folder = makeTaskFolder(files);
  const main = new URL('../../src/main.ts', import.meta.url).pathname;
  const place = ['--port', '0', '--data-dir', join(folder.path, 'var')];
  const server = spawn(process.execPath, [main, ...place, '--tasks', folder.path, ...args]);
  let text = '';
  server.stderr.on('data', (chunk) => (text += chunk));
  const [code] = await once(server, 'close');
  return { code, text };
}

/** A call as curl makes it: status, headers and the body as JSON, or as text where it is none. */
export async function call(url: string, init: RequestInit = {}) {
  const answer = await fetch(url, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: parse(text) };
}

/** Tests look into answers of every shape. */
function parse(text: string): ReturnType<typeof JSON.parse> {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function post(url: string, json: unknown, headers: Record<string, string> = {}) {
  return call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  });
}
