import type { Command } from 'commander';
import { type Client, createClient } from '../client/client.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** What the process lends to the commands. */
export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Starts the server in this process, with its own settings and its own way to end. */
  readonly serve: (args: readonly string[]) => Promise<void>;
}

/** What one command works with. */
export interface Session {
  readonly client: Client;
  readonly url: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly host: CliHost;
}

interface GlobalOptions {
  readonly url: string;
  readonly apiKey?: string;
  readonly retries: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Options may stand before or after the command's name. */
export function openSession(host: CliHost, command: Command, url?: string): Session {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { stdout, stderr, signal } = host;
  const terminal = createTerminal({ stdout, stderr, isJson: options.json === true, isQuiet: options.quiet === true });
  const client = createClient({
    url: url ?? options.url,
    // No default of the option: --help would print it.
    apiKey: options.apiKey ?? host.env.PENSTOCK_API_KEY,
    retries: options.retries,
    onRetry: ({ error, delayMs }) => terminal.note(`${error.message}; trying again in ${seconds(delayMs)} s`),
  });
  return { client, url: url ?? options.url, terminal, signal, host };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
}
