import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that were cut so far. */
  cuts(): number;
  /** From now on nothing passes and nobody is told, as behind a router that lost power. */
  freeze(): void;
}

export interface CuttingProxyOptions {
  readonly targetPort: number;
  /** Bytes, of both directions together, after which the next connection is reset; Infinity: never. */
  readonly nextCut: () => number;
}

/** Passes TCP connections on and cuts each after so many bytes, in the middle of whatever is sent. */
export async function startCuttingProxy({ targetPort, nextCut }: CuttingProxyOptions): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;

  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const pair = [client, target] as const;
    let left = nextCut();

    function end(): void {
      for (const socket of pair) {
        sockets.delete(socket);
        socket.resetAndDestroy();
      }
    }

    function pass(from: Socket, to: Socket, chunk: Buffer): void {
      left -= chunk.byteLength;
      if (left <= 0) {
        cuts += 1;
        // The last bytes still go out: the cut comes in the middle of the chunk.
        to.write(chunk.subarray(0, chunk.byteLength + left), end);
      } else if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    }

    for (const [from, to] of [pair, [target, client] as const]) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (chunk) => left > 0 && pass(from, to, chunk));
      from.on('end', () => to.end());
      from.on('error', end);
      from.on('close', end);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    freeze() {
      for (const socket of sockets) socket.pause().removeAllListeners('data');
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The same row of numbers from 0 to 1 for the same seed (mulberry32), so that a failure can be looked at again. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
