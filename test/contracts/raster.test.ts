import { test } from 'node:test';
import { createAutoEngine } from '../../src/raster/auto.ts';
import { createPdfiumEngine } from '../../src/raster/pdfium.ts';
import { loadNativeLibrary } from '../../src/raster/pdfium-native.ts';
import { compilePdfium, createWasmLibrary } from '../../src/raster/pdfium-wasm.ts';
import { createPdfjsEngine } from '../../src/raster/pdfjs.ts';
import { rasterContract } from './raster.ts';

const second = async () => createPdfjsEngine();
const wasm = await createPdfiumEngine(second, createWasmLibrary(await compilePdfium()));
const library = await loadNativeLibrary();

rasterContract('pdfjs', createPdfjsEngine);
rasterContract('pdfium, WebAssembly', () => wasm);
if ('reason' in library) {
  test('raster: pdfium, native', { skip: process.env.REQUIRE_ALL === undefined && library.reason }, () => {
    throw new Error(library.reason);
  });
} else {
  const native = await createPdfiumEngine(second, library);
  rasterContract('pdfium, native', () => native);
  rasterContract('auto, native', () => createAutoEngine(native, second));
}
rasterContract('auto, WebAssembly', () => createAutoEngine(wasm, second));
