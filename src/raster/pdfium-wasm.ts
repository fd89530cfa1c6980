import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { init } from '@embedpdf/pdfium';
import type { Pdfium, PdfiumCalls, PdfiumLibrary, Pointer } from './pdfium-calls.ts';
import { type MapFont, watchFonts } from './pdfium-fonts.ts';

/** What of it is used: the types of Node leave it to those of the DOM. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<PdfiumModule>;
  instantiate(module: PdfiumModule, imports: object): Promise<object>;
};

/** The compiled library: threads that post it to each other share its machine code, and what of it is optimised. */
export type PdfiumModule = object;

/** An instance that has grown beyond this is dropped with its document, since its memory never shrinks. */
const SPARE_BYTES = 64 * 2 ** 20;
const WORD_BYTES = 4;
/** MapFont's result and parameters: all are 32 bits wide. */
const MAP_FONT_SIGNATURE = 'iiiiiiii';

interface Runtime {
  readonly wasmExports: PdfiumCalls;
  readonly HEAPU8: Uint8Array;
  addFunction(callback: MapFont, signature: string): Pointer;
}

interface Instance extends Pdfium {
  readonly runtime: Runtime;
}

/** Takes some 30 ms; functions are made machine code as they are first called. */
export async function compilePdfium(): Promise<PdfiumModule> {
  const path = fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm'));
  return WebAssembly.compile(await readFile(path));
}

/** PDFium in WebAssembly, wherever Node runs: what a document does to its memory stays in there. */
export function createWasmLibrary(module: PdfiumModule): PdfiumLibrary {
  let spare: Instance | undefined;
  return {
    take: async () => {
      spare ??= await instantiate(module);
      const taken = spare;
      spare = undefined;
      return taken;
    },
    give: (pdfium) => {
      const instance = pdfium as Instance;
      if (instance.runtime.HEAPU8.length <= SPARE_BYTES) spare = instance;
    },
  };
}

/** A fresh instance, in some 15 ms. */
async function instantiate(module: PdfiumModule): Promise<Instance> {
  const failure = Promise.withResolvers<never>();
  const options = {
    // It would write to the console what it thinks of a document.
    print: () => undefined,
    printErr: () => undefined,
    instantiateWasm: (imports: object, receive: (instance: object) => void) => {
      WebAssembly.instantiate(module, imports).then(receive, failure.reject);
      return {};
    },
  };
  const { pdfium } = await Promise.race([init(options as Parameters<typeof init>[0]), failure.promise]);
  const runtime = pdfium as unknown as Runtime;
  const calls = runtime.wasmExports;
  const view = (pointer: Pointer, bytes: number) => Buffer.from(runtime.HEAPU8.buffer, pointer, bytes);
  const instance: Instance = {
    ...{
      runtime,
      calls,
      view,
      wordBytes: WORD_BYTES,
      drawsAnnotations: true,
      isSound: false,
      missingCharsets: new Set(),
    },
    release: () => undefined,
  };
  calls.FPDF_InitLibrary();
  watchFonts(instance, (mapFont) => runtime.addFunction(mapFont, MAP_FONT_SIGNATURE));
  return instance;
}
