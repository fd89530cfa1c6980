import type { HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { loadUws, type UwsApp, type UwsModule } from '../../../native/uws/load.ts';
import type { Listening, Transport, TransportOptions } from '../transport.ts';
import { Burst } from './pipelining.ts';
import { UwsWire } from './uws-wire.ts';

export type UwsTransport =
  /** `caution`: why it should be used only by who asked for it. */
  | { readonly ok: true; readonly transport: Transport; readonly caution: string | undefined }
  /** Why there is none on this machine. */
  | { readonly ok: false; readonly reason: string };

/** uWS drops a silent connection after 8 s at the soonest, depending on its build. */
const KEEP_ALIVE_MS = 4_000;
/** In so many steps: to touch thousands of sockets at once would hold up all others. */
const KEEP_ALIVE_STEPS = 40;

/** HTTP/1.1 by uWebSockets.js. */
export function createUwsTransport(): UwsTransport {
  const loaded = loadUws();
  if (!loaded.ok) return loaded;
  const { unbounded, unguarded } = loaded;
  const cautions = [
    ...(unbounded === undefined ? [] : [`it may take more memory than allowed: ${unbounded}`]),
    ...(unguarded === undefined ? [] : [`it may run requests that are hidden in others: ${unguarded}`]),
  ];
  const caution = cautions.length > 0 ? cautions.join('; ') : undefined;
  return { ok: true, transport: (options) => listen(loaded.uws, options), caution };
}

async function listen(uws: UwsModule, options: TransportOptions): Promise<Listening> {
  const app = uws.App();
  const wires = Array.from({ length: KEEP_ALIVE_STEPS }, () => new Set<UwsWire>());
  let step = 0;
  const burst = new Burst();
  let connections = 0;
  let isStopping = false;

  app.any('/*', (res, req) => {
    try {
      step = (step + 1) % KEEP_ALIVE_STEPS;
      const mine = wires[step];
      const wire = new UwsWire(res, req, { isStopping: () => isStopping, onOver: (over) => mine?.delete(over) });
      mine?.add(wire);
      if (burst.isFull(wire.peer)) wire.answerLater();
      wire.attach(options.onRequest(wire));
    } catch (error) {
      // Thrown into uWS it would end the process.
      options.onFault(error);
      res.close();
    }
  });
  const countConnection = (res: HttpResponse, change: unknown) => {
    connections += Number(change);
    if (change === 1 && connections > options.maxConnections) res.close();
  };
  app.filter(countConnection);

  const socket = await bind(uws, app, options);
  let turn = 0;
  const timer = setInterval(() => {
    turn = (turn + 1) % KEEP_ALIVE_STEPS;
    for (const wire of wires[turn] ?? []) wire.keepAlive();
  }, KEEP_ALIVE_MS / KEEP_ALIVE_STEPS);
  timer.unref();

  function stopAccepting(): void {
    if (isStopping) return;
    isStopping = true;
    uws.us_listen_socket_close(socket);
  }

  async function close(): Promise<void> {
    stopAccepting();
    clearInterval(timer);
    app.close();
  }

  return { transport: 'uws', port: uws.us_socket_local_port(socket), stopAccepting, close };
}

async function bind(uws: UwsModule, app: UwsApp, options: TransportOptions): Promise<us_listen_socket> {
  const { promise, resolve } = Promise.withResolvers<us_listen_socket | false>();
  const port = options.port === 0 ? await freePort(options.host) : options.port;
  // Not exclusive, a second process could listen on the same port and take half of the connections.
  app.listen(options.host, port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve);
  return (await promise) || (await failAsNodeDoes(options));
}

/**
 * Picked here, since uWS makes a port reusable (SO_REUSEADDR) only where it is named: after a kill the dying connections of
 * an unnamed one would keep the next process from it for a minute.
 */
async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** uWS tells only that it cannot listen; Node, asked for the same, tells why. */
async function failAsNodeDoes({ host, port }: TransportOptions): Promise<never> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  server.close();
  throw new Error(`cannot listen on ${host}:${port}`);
}
