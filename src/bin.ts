#!/usr/bin/env node
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 24;
const WRONG_USAGE = 2;

// Before anything else is loaded, which an older one could not even parse.
if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  const hint = 'start it by npx, which takes the Node that is installed with it';
  process.stderr.write(`penstock needs Node ${OLDEST_NODE}, this is ${process.version}: ${hint}\n`);
  process.exit(WRONG_USAGE);
}
const [{ runCli }, { EXIT }] = await Promise.all([import('./cli/cli.ts'), import('./cli/exit.ts')]);
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
