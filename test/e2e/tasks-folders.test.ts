import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { call, failToStart, post, serveTasks } from './task-folder.ts';

suite('a folder of tasks', () => {
  const refusals: readonly [string, string, RegExp][] = [
    ['does not parse', 'export default defineTask({ name: ', /broken\.ts cannot be loaded: .*/],
    [
      'throws while it loads',
      "throw new Error('no model here');",
      /broken\.ts cannot be loaded: .*no model here \(broken\.ts:2\)/,
    ],
    ['exports no task', 'export const x = 1;', /broken\.ts does not export a task as its default/],
    [
      'has a wrong member',
      "export default defineTask({ name: 'x', queueSise: 3, run: () => 1 } as never);",
      /task x: it has a member 'queueSise'/,
    ],
    [
      'has a wrong value',
      "export default defineTask({ name: 'x', workers: 0, run: () => 1 });",
      /task x: its workers is not a whole number from 1/,
    ],
    [
      'has a name that is taken',
      "export default defineTask({ name: 'pdf2image', run: () => 1 });",
      /another task by the name pdf2image/,
    ],
    [
      'has a path that is taken',
      "export default defineTask({ name: 'x', path: '/file', run: () => 1 });",
      /POST \/file/,
    ],
  ];
  for (const [what, source, message] of refusals) {
    test(`stops the start with one line when a file ${what}`, async () => {
      const { code, text } = await failToStart({ broken: source });
      assert.equal(code, 1);
      assert.match(text, message);
      assert.match(text, /^penstock could not start: .*\n$/);
    });
  }

  test('is watched: a change starts the server over, and one that does not load is told and survived', async () => {
    await using server = await serveTasks({ say: "export default defineTask({ name: 'say', run: () => 'one' });" }, [
      '--watch',
    ]);
    const port = server.port;
    assert.ok(port > 0);
    assert.equal((await call(`${server.url}/say`, { method: 'POST' })).json, 'one');
    const nextUrl = async (count: number) => {
      while ([...server.out().matchAll(/listens on (\S+)/g)].length < count)
        await once(server.child.stdout as never, 'data');
      return [...server.out().matchAll(/listens on (\S+)/g)].at(-1)?.[1];
    };
    server.folder.write('say', 'throw new Error("half written")');
    while (!server.log().includes('half written')) await once(server.child.stderr as never, 'data');
    server.folder.write('say', "export default defineTask({ name: 'say', run: () => 'two' });");
    const url = await nextUrl(2);
    assert.equal((await call(`${url}/say`, { method: 'POST' })).json, 'two');
    assert.equal(await server.kill('SIGTERM'), 0);
  });

  test('may use any Standard Schema, and passes over files that begin with _', async () => {
    await using server = await serveTasks({
      _shared: 'export const twice = (text: string) => text + text;',
      own: `import { defineTask } from 'penstock';
        import { twice } from './_shared.ts';
        const schema = { '~standard': { version: 1 as const, vendor: 'own',
          validate: (value: unknown) => typeof (value as { text?: unknown }).text === 'string'
            ? { value: value as { text: string } } : { issues: [{ message: 'must be a text', path: ['text'] }] },
          jsonSchema: { input: () => ({ type: 'object', properties: { text: { type: 'string' } } }), output: () => ({}) } } };
        export default defineTask({ name: 'own', input: schema as never, run: ({ text }) => twice(text) });`,
    });
    assert.equal((await post(`${server.url}/own`, { text: 'ab' })).json, 'abab');
    assert.equal((await post(`${server.url}/own`, { text: 1 })).json.detail, 'text: must be a text');
    assert.equal((await call(`${server.url}/v1/tasks/own`)).json.input_schema.properties.text.type, 'string');
  });

  test('a folder that is not there stops the start', async () => {
    const { code, text } = await failToStart({}, ['--tasks', '/nowhere/at/all']);
    assert.deepEqual([code, /there is no such file or folder|has no \.ts/.test(text)], [1, true]);
  });
});
