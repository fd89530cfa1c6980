import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { repeatUntil } from '../harness/crowd.ts';
import { createLatency } from '../harness/latency.ts';
import { startProbe } from '../harness/probe.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, probeRow, promise } from '../harness/shapes.ts';
import { round } from '../harness/table.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const SAMPLE = new URL('../../data/sample-17-pages.pdf', import.meta.url);

/** Without it the kept result of the first call would answer all others. */
const FRESH = { 'cache-control': 'no-cache' };

/** Every core draws pages, and the server still answers at once. */
export const rendering = defineScenario({
  name: 'rendering',
  summary: 'documents drawn at once on all cores: every answer whole, /healthz quick',
  settings: {
    documents: { default: 8, doc: 'of 17 pages at once' },
    seconds: { default: 20, doc: 'in which one follows the other' },
    health: { default: 50, doc: 'ms that the 99th percentile of /healthz may take' },
  },
  async run(lab, { documents, seconds, health: limitMs }) {
    const watched = await startWatched(lab);
    const { origin } = watched.server;
    const pdf = await readFile(SAMPLE);
    const dispatcher = new Agent({ connections: documents, headersTimeout: 0 });
    lab.defer(() => dispatcher.destroy());
    const answers = createLatency();
    const failures = new Map<string, number>();
    const step = async () => {
      const startedAt = performance.now();
      const { statusCode, body } = await request(`${origin}/pdf2image?deadline=300`, {
        ...{ method: 'POST', headers: FRESH, body: pdf, dispatcher, signal: lab.signal },
      });
      const text = await body.text();
      const pages = statusCode === 200 ? JSON.parse(text).page_count : undefined;
      if (pages === 17) answers.record(performance.now() - startedAt);
      else failures.set(String(statusCode), (failures.get(String(statusCode)) ?? 0) + 1);
    };
    lab.say('the first document warms the workers');
    await step();
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 20 });
    await repeatUntil(performance.now() + seconds * 1000, { lab, workers: documents, step });
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();
    return {
      tables: [
        latencyTable([
          latencyRow(`17 pages at 200 dpi, ${documents} at once`, answers.percentiles(), failures),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `rendering-memory-${lab.transport}`,
          title: `${documents} documents at once on ${lab.transport}: memory`,
        }),
      ],
      promises: [
        promise(
          'every document is answered with its 17 pages',
          failures.size === 0,
          `${failures.size} kinds of failure`,
        ),
        promise(
          `p99 of /healthz under ${limitMs} ms`,
          health.failures.size === 0 && health.latency.p99 < limitMs,
          `${round(health.latency.p99)} ms of ${health.latency.count} calls`,
        ),
      ],
    };
  },
});
