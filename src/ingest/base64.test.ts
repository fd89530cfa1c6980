import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { cut, cuts, readAll, sourceOf, spoil } from '../../test/fixtures/byte-sources.ts';
import { AppError } from '../core/errors.ts';
import { decodeBase64 } from './base64.ts';

/** RFC 4648 sections 3.2 to 3.5 and 4 as a pattern: whole quanta, padded to the end, zero pad bits. */
const CANONICAL = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

async function decode(text: Uint8Array, places: readonly number[] = []): Promise<Buffer | string> {
  try {
    return await readAll(decodeBase64(sourceOf(cut(text, places))));
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

suite('base64', () => {
  test('any bytes come back from their base64, however it is cut', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), cuts, async (bytes, places) => {
      const text = Buffer.from(Buffer.from(bytes).toString('base64'));
      assert.deepEqual(await decode(text, places), Buffer.from(bytes));
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  test('a spoilt text is refused unless it is base64 again', async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 90 }), spoil, cuts, async (bytes, change, places) => {
      const text = change(Buffer.from(Buffer.from(bytes).toString('base64')));
      const isCanonical = CANONICAL.test(text.toString('latin1'));
      const expected = isCanonical ? Buffer.from(text.toString('latin1'), 'base64') : 'bad_base64';
      assert.deepEqual(await decode(text, places), expected);
    });
    await fc.assert(property, { numRuns: 2000 });
  });

  for (const text of [
    'A',
    'AA',
    'AAA',
    'AA=',
    'A===',
    '====',
    '=',
    'AB==',
    'AAB=',
    'AA==AA==',
    'AA==\n',
    'AA AA',
    '-_-_',
    'AAA\0',
    'é1',
  ]) {
    test(`${JSON.stringify(text)} is refused, whole and letter by letter`, async () => {
      const bytes = Buffer.from(text, 'latin1');
      const everywhere = Array.from(bytes, (_, index) => index / bytes.length);
      assert.equal(await decode(bytes), 'bad_base64');
      assert.equal(await decode(bytes, everywhere), 'bad_base64');
    });
  }

  test('no text is no bytes', async () => {
    assert.deepEqual(await decode(Buffer.alloc(0)), Buffer.alloc(0));
  });

  test('what was refused stays refused, though good letters follow', async () => {
    const source = decodeBase64(sourceOf([Buffer.from('AAAA'), Buffer.from('!!!!'), Buffer.from('AAAA')]));
    assert.deepEqual(await source.next(), Buffer.alloc(3));
    await assert.rejects(source.next(), { code: 'bad_base64' });
    await assert.rejects(source.next(), { code: 'bad_base64' });
  });

  test('an abort ends the wait with its reason', async () => {
    const source = decodeBase64({
      next: (signal) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    });
    const controller = new AbortController();
    const read = source.next(controller.signal);
    controller.abort(new AppError('client_gone', 'the client went away'));
    await assert.rejects(read, { code: 'client_gone' });
  });
});
