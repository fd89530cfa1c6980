import type { Metrics } from '../../core/metrics.ts';
import type { Queue } from '../../queue/queue.ts';
import type { Tasks } from '../../tasks/tasks.ts';
import type { Admission } from '../admission.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../route.ts';

export interface OpsRoutesOptions {
  readonly metrics: Metrics;
  readonly tasks: Tasks;
  readonly queue: Queue;
  readonly admission: Admission;
  /** Why the server should get no traffic now; undefined: it is ready. */
  readonly notReady: () => Promise<string | undefined>;
  readonly state: () => Readonly<Record<string, unknown>>;
}

/** For those who run the server: alive, ready, metrics, capacity. The first two never ask for a key. */
export function opsRoutes(options: OpsRoutesOptions): readonly Route[] {
  function health(exchange: Exchange): void {
    exchange.replyJson(200, { status: 'ok' });
  }

  async function ready(exchange: Exchange): Promise<void> {
    const reason = await options.notReady();
    if (reason === undefined) exchange.replyJson(200, { status: 'ready' });
    else exchange.replyJson(503, { status: 'not ready', reason }, [['retry-after', '5']]);
  }

  async function metrics(exchange: Exchange): Promise<void> {
    options.admission.identify(exchange);
    const headers = [['content-type', 'text/plain; version=0.0.4; charset=utf-8']] as const;
    exchange.reply({ status: 200, headers, body: await options.metrics.text() });
  }

  function server(exchange: Exchange): void {
    options.admission.identify(exchange);
    const tasks = options.tasks.queued().map((task) => {
      const { waiting, running, free, estimatedWaitS } = options.queue.depth(task);
      return {
        task,
        waiting,
        running,
        free_slots: free,
        estimated_wait_s: Math.round(estimatedWaitS * 10) / 10,
      };
    });
    exchange.replyJson(200, { ...options.state(), tasks });
  }

  return [
    { method: 'GET', path: '/healthz', handle: health },
    { method: 'GET', path: '/readyz', handle: ready },
    { method: 'GET', path: '/metrics', handle: metrics },
    { method: 'GET', path: '/v1/server', handle: server },
  ];
}
