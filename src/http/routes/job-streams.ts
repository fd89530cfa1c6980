import type { Feed, FeedEvent, Results } from '../../results/results.ts';
import type { Admission } from '../admission.ts';
import type { Exchange } from '../exchange.ts';
import { linkJob, linkResult } from '../links.ts';
import type { Params, Route } from '../route.ts';
import { replyEvents, type ServerEvent } from '../sse.ts';
import { owned } from './owned.ts';

export interface JobStreamRoutesOptions {
  readonly feed: Feed;
  readonly results: Results;
  readonly admission: Admission;
}

/** Following a job while it runs: its events, and its outputs in one stream. */
export function jobStreamRoutes({ feed, results, admission }: JobStreamRoutesOptions): readonly Route[] {
  async function events(exchange: Exchange, { id = '' }: Params): Promise<void> {
    const lastId = exchange.header('last-event-id');
    const found = await feed.follow(id, lastId, exchange.signal);
    // 204 keeps an EventSource from connecting again.
    if (found) await replyEvents(exchange, toServerEvents(exchange, id, found));
    else exchange.reply({ status: 204 });
  }

  async function archive(exchange: Exchange, { id = '' }: Params): Promise<void> {
    const zip = await results.archive(id, exchange.signal);
    const headers = [
      ['content-type', 'application/zip'],
      ['content-disposition', `attachment; filename="job-${id}.zip"`],
      ['cache-control', 'no-store'],
    ] as const;
    await exchange.replyStream({ status: 200, headers }, zip);
  }

  const routes: readonly Route[] = [
    { method: 'GET', path: '/v1/jobs/{id}/events', handle: events },
    { method: 'GET', path: '/v1/jobs/{id}/archive', handle: archive },
  ];
  return owned(routes, { admission, find: results.get });
}

async function* toServerEvents(
  exchange: Exchange,
  jobId: string,
  events: AsyncIterable<FeedEvent>,
): AsyncGenerator<ServerEvent> {
  for await (const event of events) {
    const { id } = event;
    if (event.type === 'part') yield { type: 'page', id, data: linkResult(exchange, jobId, event.value) };
    else yield { type: event.type, id, data: linkJob(exchange, event.job) };
  }
}
