import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { init } from '@embedpdf/pdfium';
import type { Pdfium, PdfiumCalls } from './pdfium-calls.ts';
import { type AddCallback, watchFonts } from './pdfium-fonts.ts';

/** What of it is used: the types of Node leave it to those of the DOM. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<PdfiumModule>;
  instantiate(module: PdfiumModule, imports: object): Promise<object>;
};

/** The compiled library: threads that post it to each other share its machine code, and what of it is optimised. */
export type PdfiumModule = object;

interface Runtime {
  readonly wasmExports: PdfiumCalls;
  readonly HEAPU8: Uint8Array;
  readonly addFunction: AddCallback;
}

/** Takes some 30 ms; functions are made machine code as they are first called. */
export async function compilePdfium(): Promise<PdfiumModule> {
  const path = fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm'));
  return WebAssembly.compile(await readFile(path));
}

/** A fresh instance, in some 15 ms. */
export async function instantiate(module: PdfiumModule): Promise<Pdfium> {
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
  calls.PDFiumExt_Init();
  const memory = () => runtime.HEAPU8;
  return { calls, memory, missingCharsets: watchFonts({ calls, memory, addCallback: runtime.addFunction }) };
}
