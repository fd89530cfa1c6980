import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Body } from './body.ts';
import { judge, type Outcome } from './outcome.ts';
import { runProgram } from './program.ts';

/** A file on disk whose digest is known. */
export interface BodyFile {
  readonly path: string;
  readonly body: Body;
}

/** Writes a body to a file, piece by piece. */
export async function writeBody(folder: string, name: string, body: Body): Promise<BodyFile> {
  const path = join(folder, name);
  const slices = function* () {
    for (let at = 0; at < body.length; ) {
      const slice = body.slice(at, 2 ** 20);
      yield slice;
      at += slice.length;
    }
  };
  await writeFile(path, slices());
  return { path, body };
}

/** One curl: where to, with what, how slow, and from where. */
export interface CurlOptions {
  readonly origin: string;
  readonly file: BodyFile;
  /** curl's own spelling: 2K, 50K, 10M. */
  readonly limitRate?: string;
  /** A program that runs curl, for instance `ip netns exec NAME`. */
  readonly inside?: readonly string[];
  readonly signal: AbortSignal;
}

/** The README's line: `curl --data-binary @file`. */
export async function uploadByCurl({ origin, file, limitRate, inside = [], signal }: CurlOptions): Promise<Outcome> {
  const start = performance.now();
  const limit = limitRate === undefined ? [] : ['--limit-rate', limitRate];
  const write = '\n%{http_code} %{size_upload} ';
  const args = ['-sS', ...limit, '--data-binary', `@${file.path}`, '-H', 'Content-Type: application/octet-stream'];
  const [command = 'curl', ...rest] = [...inside, 'curl', ...args, '-w', write, `${origin}/file`];
  const { code, stdout, stderr } = await runProgram(command, rest, signal);
  const ms = performance.now() - start;
  if (code !== 0) return { status: 0, ms, bytesSent: 0, bytesLost: 0, reason: stderr.trim() || `curl ended: ${code}` };
  const [, text = '', status = '0', bytesSent = '0'] = /^([\s\S]*)\n(\d{3}) (\d+) /.exec(stdout) ?? [];
  return {
    ms,
    bytesSent: Number(bytesSent),
    ...judge(file.body, { status: Number(status), text, retryAfter: undefined }),
  };
}
