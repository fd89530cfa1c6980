import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { round, type Table } from '../harness/table.ts';
import type { CallsResult } from './calls.ts';
import { JOB_ENTRANTS } from './job-entrants.ts';

interface Measured {
  readonly many: CallsResult;
  readonly one: CallsResult;
}

/** Jobs that do nothing: what is left is the way through the service. */
export const jobs = defineScenario({
  name: 'jobs',
  summary: 'jobs that do nothing: how many per second, and what the way costs, beside piscina and BullMQ',
  settings: {
    callers: { default: 64, doc: 'callers at once' },
    seconds: { default: 8, doc: 'of each measurement' },
    workers: { default: 2, doc: 'workers of Penstock, threads of piscina' },
    sync: { default: 5000, doc: 'jobs/s that uws is to do while their callers wait' },
    accepts: { default: 2000, doc: 'jobs/s that uws is to accept durably' },
  },
  async run(lab, { callers, seconds, workers, sync, accepts }) {
    const rows: string[][] = [];
    const found = new Map<string, Measured>();
    for (const entrant of JOB_ENTRANTS) {
      if (lab.only.length > 0 && !lab.only.some((start) => entrant.name.startsWith(start))) continue;
      lab.say(entrant.name);
      const measure = await entrant.start(lab, workers);
      if (typeof measure === 'string') {
        rows.push([entrant.name, '-', '-', '-', '-', '-', measure]);
        continue;
      }
      const one = await measure({ callers: 1, seconds: seconds / 2 });
      const many = await measure({ callers, seconds });
      found.set(entrant.name, { one, many });
      rows.push(toRow(entrant.name, entrant.keeps, { one, many }));
    }
    const table: Table = {
      title: `Jobs that do nothing, ${callers} callers at once and one alone`,
      head: ['', 'jobs/s', 'p50 ms', 'p99 ms', 'alone p50 ms', 'alone p99 ms', 'an answer means'],
      rows,
    };
    const rateOf = (name: string) => rate(found.get(name)?.many);
    const [waited, accepted] = [rateOf('penstock uws, wait'), rateOf('penstock uws, accept')];
    return {
      tables: [table],
      promises: [
        promise(`at least ${sync} jobs/s while callers wait`, waited >= sync, `${round(waited)} jobs/s`),
        promise(`at least ${accepts} durable accepts/s`, accepted >= accepts, `${round(accepted)} jobs/s`),
      ],
    };
  },
});

function toRow(name: string, keeps: string, { one, many }: Measured): string[] {
  const failures = Object.entries(many.failures).map(([what, count]) => `${count} x ${what}`);
  const { p50, p99 } = many.latency;
  const note = failures.length > 0 ? `${keeps}; FAILED: ${failures.join(', ')}` : keeps;
  return [name, round(rate(many)), round(p50), round(p99), round(one.latency.p50), round(one.latency.p99), note];
}

function rate(result: CallsResult | undefined): number {
  return result ? result.calls / result.seconds : 0;
}
