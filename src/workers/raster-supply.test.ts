import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { pino } from 'pino';
import { loadNativeLibrary } from '../raster/pdfium-native.ts';
import type { WorkerSettings } from './protocol.ts';
import { createRaster } from './raster-supply.ts';

const PDF = new URL('../../data/sample-1-page.pdf', import.meta.url).pathname;
const OPTIONS = { scale: 0.2, transparent: false, maxPixels: 1e6 };
const library = await loadNativeLibrary();
const skip = 'reason' in library && process.env.REQUIRE_ALL === undefined && library.reason;

function supply(pdfium: WorkerSettings['pdfium']) {
  const told: string[] = [];
  const raster = createRaster({
    settings: { engine: 'auto', pdfium, maxPages: 10, maxPixels: 1e6 },
    log: () => pino({ enabled: false }),
    onNative: (isLoaded) => told.push(isLoaded ? 'native' : 'none'),
    onCompiled: () => told.push('compiled'),
  });
  const draw = async (isCareful: boolean) => {
    raster.begin(isCareful);
    const document = await raster.tools.open(PDF, {});
    const { width, engine } = await document.render(1, OPTIONS);
    await document.close();
    assert.deepEqual([width > 0, engine], [true, 'pdfium']);
    return told.splice(0);
  };
  return { draw };
}

suite('raster supply', () => {
  test('PDFium is machine code, and is kept', { skip }, async () => {
    const { draw } = supply('native');
    assert.deepEqual(await draw(false), ['native']);
    assert.deepEqual(await draw(false), []);
  });

  test('a careful unit is drawn in WebAssembly, the next one is not', { skip }, async () => {
    const { draw } = supply('native');
    assert.deepEqual(await draw(true), ['compiled']);
    assert.deepEqual(await draw(false), ['native']);
    assert.deepEqual(await draw(true), []);
  });

  test('WebAssembly where the setting says so', async () => {
    const { draw } = supply('wasm');
    assert.deepEqual(await draw(false), ['compiled']);
    assert.deepEqual(await draw(true), []);
  });
});
