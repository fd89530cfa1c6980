import type { InlineJobsFor } from '../results/results.ts';
import type { InlineCalls, TaskEntry } from '../tasks/tasks.ts';
import type { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { replyItems } from './item-stream.ts';
import { linkItems, linkJob, linkResult } from './links.ts';
import { checkEarly, readFiles, readInput, readQuery, receiveBody } from './task-body.ts';
import type { TaskCall } from './task-call.ts';
import type { Uploads } from './upload.ts';

export interface InlineCallOptions {
  readonly inline: InlineCalls;
  readonly jobs: InlineJobsFor;
  readonly uploads: Uploads;
  readonly admission: Admission;
}

/** One call of an endpoint that runs here: no queue, no job; the answer is what its function returns. */
export function createInlineCall({ inline, jobs, uploads, admission }: InlineCallOptions): TaskCall {
  return async (exchange, entry, params) => {
    const caller = isCounted(exchange, entry) ? await admission.admit(exchange) : admission.identify(exchange);
    const query = readQuery(exchange, entry, params);
    checkEarly(exchange, entry, query);
    const body = await receiveBody(uploads, exchange, entry, { caller, query });
    try {
      const input = readInput(entry, query, body);
      const files = readFiles(entry, body);
      const { id, result } = await inline.call({
        ...{ entry, input, files, caller, signal: exchange.signal },
        jobs: (signal) => jobs({ caller, signal, link: (job) => linkJob(exchange, job) }),
      });
      if (typeof result === 'string') exchange.replyJson(200, linkResult(exchange, id, JSON.parse(result)));
      else
        await replyItems(exchange, linkItems(exchange, id, result), {
          format: wantsEvents(exchange) ? 'sse' : 'ndjson',
          errorExtra: {},
        });
    } catch (error) {
      if (!exchange.isAnswered) await body.undo();
      throw error;
    }
  };
}

/** What only looks does not count. */
function isCounted({ method }: Exchange, { task }: TaskEntry): boolean {
  const isRateLimited = task.runs === 'inline' ? task.isRateLimited : undefined;
  return isRateLimited ?? (method !== 'GET' && method !== 'HEAD');
}

function wantsEvents(exchange: Exchange): boolean {
  return /text\/event-stream/i.test(exchange.headers('accept').join(','));
}
