import { createAutoEngine } from '../../src/raster/auto.ts';
import { createPdfiumEngine, type PdfiumLibrary } from '../../src/raster/pdfium.ts';
import type { RasterEngine } from '../../src/raster/raster.ts';

async function loadPdfjs(): Promise<RasterEngine> {
  return (await import('../../src/raster/pdfjs.ts')).createPdfjsEngine();
}

async function loadLibrary(isNative: boolean): Promise<PdfiumLibrary> {
  if (!isNative) {
    const { compilePdfium, createWasmLibrary } = await import('../../src/raster/pdfium-wasm.ts');
    return createWasmLibrary(await compilePdfium());
  }
  const library = await (await import('../../src/raster/pdfium-native.ts')).loadNativeLibrary();
  if ('reason' in library) throw new Error(`PDFium as machine code: ${library.reason}`);
  return library;
}

/** `auto`, `auto-wasm`, `pdfium`, `pdfium-wasm` or `pdfjs`. As in a worker: what an engine does not need is not loaded. */
export async function createEngine(name: string): Promise<RasterEngine> {
  if (name === 'pdfjs') return loadPdfjs();
  const pdfium = await createPdfiumEngine(loadPdfjs, await loadLibrary(!name.endsWith('-wasm')));
  return name.startsWith('auto') ? createAutoEngine(pdfium, loadPdfjs) : pdfium;
}
