import { type Child, startChild } from './child.ts';

/** A running Penstock, seen from outside. */
export interface Server extends Child {
  /** `http://host:port`. */
  readonly origin: string;
  readonly transport: string;
  readonly dataDir: string;
}

/** Which build to start, and how. */
export interface ServerOptions {
  /** The file Node starts, for instance `src/main.ts`. */
  readonly entry: string;
  readonly transport: string;
  readonly dataDir: string;
  readonly host?: string;
  /** Further settings; the last one of a name wins. */
  readonly flags?: readonly string[];
}

/** Starts the server on a port of its choice and waits until it has told its address. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { entry, transport, dataDir, host = '127.0.0.1', flags = [] } = options;
  const settings = [
    '--host',
    host,
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--transport',
    transport,
    '--rate-limit',
    '0',
  ];
  const child = await startChild({
    command: process.execPath,
    args: [entry, ...settings, '--log-format', 'json', '--log-level', 'warn', ...flags],
    ready: /(http:\/\/[\d.]+:\d+)/,
  });
  const [, origin = ''] = child.matched;
  return {
    ...child,
    get hasExited() {
      return child.hasExited;
    },
    origin,
    transport,
    dataDir,
  };
}
