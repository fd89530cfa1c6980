import { readFile } from 'node:fs/promises';
import { type KillRounds, runKillRounds } from '../harness/kill-rounds.ts';
import { createLatency } from '../harness/latency.ts';
import { describeStatuses } from '../harness/outcome.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, promise } from '../harness/shapes.ts';
import { round } from '../harness/table.ts';

/** A server that dies again and again, and what it had promised. */
export const kill9 = defineScenario({
  name: 'kill9',
  summary: 'kill -9 at random moments under a mixed load of jobs: nothing that was accepted is lost',
  settings: {
    rounds: { default: 200, doc: 'times that the server is killed' },
    seconds: { default: 3600, doc: 'after which no other round begins' },
  },
  async run(lab, { rounds, seconds }) {
    const dataDir = await lab.folder('data');
    const document = (name: string) => readFile(new URL(`../../data/${name}`, import.meta.url));
    const [small, large] = await Promise.all([document('sample-1-page.pdf'), document('sample-17-pages.pdf')]);
    const done = await runKillRounds({
      start: async () => {
        const server = await lab.start({ dataDir });
        return { origin: server.origin, kill: () => server.kill() };
      },
      dataDir,
      rounds,
      endMs: performance.now() + seconds * 1000,
      random: lab.random,
      documents: { small, large },
      signal: lab.signal,
      onRound: (number, { outcomes }) => {
        if (number % 20 === 0) lab.say(`${number} rounds, ${describeStatuses(outcomes())}`);
      },
    });
    return {
      tables: [timesOf(done)],
      promises: promisesOf(done),
      notes: [`${done.rounds} rounds. Accepted jobs: ${describeStatuses(done.promises.outcomes())}.`],
    };
  },
});

function timesOf({ readyMs, settledMs }: KillRounds) {
  const row = (title: string, values: readonly number[]) => {
    const latency = createLatency();
    for (const ms of values) latency.record(ms);
    return latencyRow(title, latency.percentiles(), new Map());
  };
  return latencyTable([
    row('start of the process until ready', readyMs),
    row('ready until all that was accepted has ended', settledMs),
  ]);
}

function promisesOf({ promises, readyMs, stuck, orphans }: KillRounds) {
  const slowest = Math.max(...readyMs);
  const few = (list: readonly string[]) => `${list.length}${list.length > 0 ? `: ${list.slice(0, 3).join('; ')}` : ''}`;
  return [
    promise('0 accepted jobs lost', promises.lost.length === 0, few(promises.lost)),
    promise('0 with two outcomes', promises.contradictions.length === 0, few(promises.contradictions)),
    promise('0 stuck 10 s after a restart', stuck.length === 0, few(stuck)),
    promise('ready again within 2 s', slowest <= 2000, `${round(slowest)} ms at worst`),
    promise('no orphans on disk', orphans.length === 0, few(orphans)),
  ];
}
