import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cut, readAll, sourceOf } from '../../test/fixtures/byte-sources.ts';
import { readJsonBody } from './json-body.ts';

const everywhere = Array.from({ length: 200 }, (_, index) => index / 200);

suite('files under names of their own', () => {
  const long = Buffer.from(
    'some bytes that are long enough to be a file, however they are cut into pieces, one or many',
  );
  const readNamed = async (body: object, places: readonly number[] = []) => {
    const { file, fieldFiles, members } = await readJsonBody(sourceOf(cut(Buffer.from(JSON.stringify(body)), places)), {
      signal: new AbortController().signal,
      fileMembers: ['cover', 'sound'],
      onFile: async ({ field, declaredType }, source) =>
        `${field} ${declaredType} ${(await readAll(source)).toString()}`,
    });
    return { file, fieldFiles, members: { ...members } };
  };

  test('base64 is read as it comes, wherever the body is cut; ids and URLs stay members', async () => {
    const url = `https://example.com/${'x'.repeat(200)}`;
    const body = {
      title: 'T',
      cover: long.toString('base64'),
      sound: `data:audio/wav;base64,${long.toString('base64')}`,
      n: 3,
    };
    const fieldFiles = [
      { field: 'cover', value: `cover undefined ${long}` },
      { field: 'sound', value: `sound audio/wav ${long}` },
    ];
    for (const places of [[], everywhere])
      assert.deepEqual(await readNamed(body, places), {
        file: { kind: 'none' },
        fieldFiles,
        members: { title: 'T', n: 3 },
      });
    const pointing = { cover: '01M7YQAXAA26Z009JBE41MEY53', sound: url };
    for (const places of [[], everywhere])
      assert.deepEqual(await readNamed(pointing, places), {
        file: { kind: 'none' },
        fieldFiles: [],
        members: pointing,
      });
  });

  test('may stand before base64, not behind it; other shapes are left to whoever knows them', async () => {
    const base64 = long.toString('base64');
    const { file, fieldFiles } = await readNamed({ cover: base64, base64 });
    assert.deepEqual([file.kind, fieldFiles.length], ['base64', 1]);
    await assert.rejects(readNamed({ base64, cover: base64 }), { code: 'bad_request' });
    const objects = { cover: { url: 'x' }, sound: [base64] };
    assert.deepEqual((await readNamed(objects)).members, objects);
  });
});
