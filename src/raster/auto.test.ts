import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { createAutoEngine } from './auto.ts';
import type { Bitmap, CriticalEngine, RasterDocument, RasterEngine } from './raster.ts';

interface Behaviour {
  readonly open?: ErrorCode;
  readonly render?: ErrorCode;
  readonly concern?: string;
}

const OPTIONS = { scale: 1, transparent: false, maxPixels: 100 };

/** An engine whose calls are noted, and fail with the codes that are given. */
function fakeEngine(name: string, calls: string[], { open, render, concern }: Behaviour = {}): CriticalEngine {
  const bitmap: Bitmap = { width: 1, height: 1, data: new Uint8Array(4), engine: name };
  const act = async <T>(what: string, value: T, code?: ErrorCode): Promise<T> => {
    calls.push(`${name} ${what}`);
    if (code) throw new AppError(code, `${name} says ${code}`);
    return value;
  };
  const document = {
    pageCount: 1,
    pageSize: () => act('pageSize', { width: 1, height: 1 }),
    render: () => act('render', bitmap, render),
    text: () => act('text', name),
    concern: async () => concern,
    close: () => act('close', undefined),
  };
  return { name, open: () => act('open', document, open) };
}

function start(first: Behaviour, second: Behaviour = {}): { calls: string[]; engine: RasterEngine } {
  const calls: string[] = [];
  const spare = fakeEngine('second', calls, second);
  return { calls, engine: createAutoEngine(fakeEngine('first', calls, first), async () => spare) };
}

async function drawnBy(document: RasterDocument): Promise<string | undefined> {
  return (await document.render(1, OPTIONS)).engine;
}

suite('auto', () => {
  test('the first engine draws, and the second is not even opened', async () => {
    const { calls, engine } = start({});
    const document = await engine.open('a', {});
    assert.equal(await drawnBy(document), 'first');
    await document.close();
    assert.deepEqual(calls, ['first open', 'first render', 'first close']);
  });

  test('a page that the first cannot draw is drawn by the second, opened once and closed with it', async () => {
    const { calls, engine } = start({ render: 'invalid_pdf' });
    const document = await engine.open('a', {});
    assert.equal(await drawnBy(document), 'second');
    assert.equal(await drawnBy(document), 'second');
    await document.close();
    assert.equal(calls.filter((call) => call === 'second open').length, 1);
    assert.deepEqual(calls.slice(-2), ['first close', 'second close']);
  });

  test('a page that concerns the first goes to the second, and back if that fails', async () => {
    const heavy = { concern: 'JPEG 2000' };
    assert.equal(await drawnBy(await start(heavy).engine.open('a', {})), 'second');
    assert.equal(await drawnBy(await start(heavy, { render: 'invalid_pdf' }).engine.open('a', {})), 'first');
    assert.equal(await drawnBy(await start(heavy, { open: 'invalid_pdf' }).engine.open('a', {})), 'first');
  });

  test('where both fail the error is that of the one that should have done it', async () => {
    const { engine } = start({ render: 'invalid_pdf' }, { render: 'invalid_pdf' });
    await assert.rejects(drawnBy(await engine.open('a', {})), /first says invalid_pdf/);
  });

  test('a page that is too large for the first may be smaller for the second; a page that is not there is not', async () => {
    assert.equal(await drawnBy(await start({ render: 'page_too_large' }).engine.open('a', {})), 'second');
    const { calls, engine } = start({ render: 'invalid_input' });
    await assert.rejects(drawnBy(await engine.open('a', {})), { code: 'invalid_input' });
    assert.ok(!calls.includes('second open'));
  });

  for (const [code, options, isTried] of [
    ['invalid_pdf', {}, true],
    ['password_required', {}, false],
    ['password_required', { password: 'ä' }, true],
    ['too_large', {}, false],
  ] as const) {
    test(`${code}${'password' in options ? ' with a password' : ''}: the second ${isTried ? 'is' : 'is not'} tried`, async () => {
      const { calls, engine } = start({ open: code }, { open: 'invalid_pdf' });
      await assert.rejects(engine.open('a', options));
      assert.equal(calls.includes('second open'), isTried);
    });
  }
});
