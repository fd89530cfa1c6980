import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ulid } from 'ulid';
import { createLog } from '../core/log.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { startRetention } from './retention.ts';

test('the time of a result begins when its job has ended, that of a file when it was stored', async () => {
  const storage = createMemoryStorage();
  const start = 1_000_000_000_000;
  const [long, short, young] = [start, start + 1, start + 90_000].map((at) => ulid(at));
  const put = async (key: string, meta = {}) => await (await storage.create(key)).commit(meta);
  const ended = (at: number) => ({ job: { finished_at: new Date(at).toISOString() } });
  for (const id of [long, short, young]) {
    await put(`files/${id}`);
    await put(`results/${id}/pages/1`);
  }
  await put(`jobs/${long}`, { job: { ...ended(start + 80_000).job, id: long } });
  await put(`jobs/${short}`, { job: { ...ended(start + 5000).job, id: short } });
  await put(`jobs/${young}`, { job: { ...ended(start + 91_000).job, id: young } });
  const now = () => start + 100_000;
  const log = createLog({ level: 'silent', format: 'json' });
  const prefixes = ['files/', 'jobs/', 'results/'];
  const retention = startRetention({ storage, prefixes, retentionS: 60, inUse: () => new Set(), log, now });
  await retention.sweep();
  retention.close();
  const keys = async (prefix: string) => (await Array.fromAsync(storage.list(prefix))).map(({ key }) => key);
  assert.deepEqual(await keys('jobs/'), [`jobs/${long}`, `jobs/${young}`]);
  assert.deepEqual(await keys('results/'), [`results/${long}/pages/1`, `results/${young}/pages/1`]);
});
