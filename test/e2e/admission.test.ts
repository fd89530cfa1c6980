import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RawClient } from '../contracts/raw-client.ts';
import { startServer, type TestServer } from './server.ts';

const TASKS = new URL('../fixtures/user-tasks', import.meta.url).pathname;
const BODY = JSON.stringify({ how: 'works', ms: 200 });

for (const transport of ['uws', 'node'] as const) {
  suite(`admission over ${transport}`, () => {
    test('work that cannot make its deadline is refused before its body is read, and says when to come back', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--workers', '1', '--tasks', TASKS] });
      for (let job = 0; job < 6; job++) assert.equal((await call(server)).status, 200);
      const async = { prefer: 'respond-async' };
      for (let job = 0; job < 30; job++) assert.equal((await call(server, '', async)).status, 202);

      const client = await RawClient.open(server.port);
      await client.send(
        'POST /ending?deadline=1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
      );
      const refused = (await client.response()) ?? assert.fail('no answer');
      await client.close();
      assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'queue_full']);
      assert.ok(Number(refused.headers.get('retry-after')) >= 1, refused.body);
      // The same for a job that nobody waits for, but that is to end by then.
      assert.equal((await call(server, '?deadline=1', async)).status, 503);

      assert.equal((await call(server, '?deadline=600', async)).status, 202);
      assert.equal((await call(server, '', async)).status, 202);
      const { tasks } = (await (await fetch(`${server.url}/v1/server`)).json()) as {
        tasks: { task: string; estimated_wait_s: number }[];
      };
      assert.ok((tasks.find(({ task }) => task === 'ending')?.estimated_wait_s ?? 0) > 1, JSON.stringify(tasks));
    });
  });
}

function call({ url }: TestServer, query = '', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/ending${query}`, {
    method: 'POST',
    body: BODY,
    headers: { 'content-type': 'application/json', ...headers },
  });
}
