import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { OutputFile } from '../results/results.ts';
import { inlineFiles } from './inline-files.ts';

const outputOf = (key: string, size = 5): OutputFile =>
  ({ info: { key, size, meta: {} }, open: async () => [Buffer.from(key)] }) as never;

suite('files in the answer to an event', () => {
  test('links to outputs become base64, wherever they stand; other links stay', async () => {
    const result = {
      pages: [{ url: 'pages/1' }, { url: 'https://x/pages/1' }],
      deep: { out: { url: 'files/2', size: 5 } },
    };
    assert.deepEqual(await inlineFiles(result, async (key) => outputOf(key)), {
      pages: [{ base64: Buffer.from('pages/1').toString('base64') }, { url: 'https://x/pages/1' }],
      deep: { out: { base64: Buffer.from('files/2').toString('base64'), size: 5 } },
    });
  });

  test('more than an answer may have is too_large', async () => {
    const open = async (key: string) => outputOf(key, 40 * 2 ** 20);
    await assert.rejects(inlineFiles([{ url: 'files/1' }, { url: 'files/2' }], open), { code: 'too_large' });
  });
});
