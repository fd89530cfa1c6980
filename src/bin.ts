#!/usr/bin/env node
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli/cli.ts';
import { EXIT } from './cli/exit.ts';

const interrupted = new AbortController();

/** The server looks at the arguments itself, also when it starts the process over. */
async function serve(args: readonly string[]): Promise<void> {
  process.removeAllListeners('SIGINT');
  const main = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));
  process.argv = [process.execPath, main, ...args];
  await import('./main.ts');
}

// The reader of a pipe has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', () => process.exit(EXIT.interrupted));
});
process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
  serve,
});
