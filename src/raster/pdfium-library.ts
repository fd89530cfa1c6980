import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { init } from '@embedpdf/pdfium';
import type { Pdfium, PdfiumCalls } from './pdfium-calls.ts';
import { type AddCallback, watchFonts } from './pdfium-fonts.ts';

/** What of it is used: the types of Node leave it to those of the DOM. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<Module>;
  instantiate(module: Module, imports: object): Promise<object>;
};
type Module = object;

interface Runtime {
  readonly wasmExports: PdfiumCalls;
  readonly HEAPU8: Uint8Array;
  readonly addFunction: AddCallback;
}

/** Compiles the library once; each call of what it gives makes an instance, in some 15 ms. */
export function createPdfiumLoader(): () => Promise<Pdfium> {
  let compiled: Promise<Module> | undefined;
  return async () => {
    compiled ??= compile();
    return instantiate(await compiled);
  };
}

async function compile(): Promise<Module> {
  const path = fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm'));
  return WebAssembly.compile(await readFile(path));
}

async function instantiate(module: Module): Promise<Pdfium> {
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
