import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runKillRounds } from '../../loadtest/harness/kill-rounds.ts';
import { createRandom } from '../../loadtest/harness/random.ts';
import { ONE_PAGE, SAMPLE } from './jobs-api.ts';
import { startServer } from './server.ts';

/** `npm run loadtest -- kill9` does 200. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 8);

test('kill -9 at random moments under a mixed load: no accepted job is lost, stuck or has two outcomes, nothing is left over', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-kill9-'));
  const seed = Number(process.env.KILL_SEED ?? Date.now() % 100_000);
  t.diagnostic(`KILL_SEED=${seed}`);
  try {
    const { promises, readyMs, stuck, orphans } = await runKillRounds({
      start: async () => {
        const server = await startServer({ dataDir, args: ['--workers', '2'] });
        return { origin: server.url, kill: async () => void (await server.kill('SIGKILL')) };
      },
      dataDir,
      rounds: ROUNDS,
      random: createRandom(seed),
      documents: { small: ONE_PAGE, large: SAMPLE },
      signal: t.signal,
    });
    t.diagnostic(JSON.stringify(Object.fromEntries(promises.outcomes())));
    assert.deepEqual(
      { lost: promises.lost, contradictions: promises.contradictions },
      { lost: [], contradictions: [] },
    );
    assert.deepEqual({ stuck, orphans }, { stuck: [], orphans: [] });
    assert.ok(promises.all().length >= ROUNDS);
    // The load test asks for 2 s; here other tests may have the processors.
    assert.ok(Math.max(...readyMs) < 15_000, `${Math.max(...readyMs)} ms until ready`);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
