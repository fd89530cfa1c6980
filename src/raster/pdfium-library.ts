import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { init } from '@embedpdf/pdfium';

/** Addresses in the library's memory, and its handles; 0 is none. */
export type Pointer = number;

/** What is used of PDFium's C interface (public/fpdfview.h, fpdf_formfill.h, fpdf_text.h, fpdf_edit.h). */
export interface PdfiumCalls {
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  PDFiumExt_Init(): void;
  PDFiumExt_OpenFormFillInfo(): Pointer;
  PDFiumExt_CloseFormFillInfo(info: Pointer): void;
  PDFiumExt_InitFormFillEnvironment(document: Pointer, info: Pointer): Pointer;
  PDFiumExt_ExitFormFillEnvironment(form: Pointer): void;
  FPDF_SetSystemFontInfo(info: Pointer): void;
  FPDF_LoadMemDocument(bytes: Pointer, size: number, password: Pointer): Pointer;
  FPDF_CloseDocument(document: Pointer): void;
  FPDF_GetLastError(): number;
  FPDF_GetPageCount(document: Pointer): number;
  FPDF_GetFormType(document: Pointer): number;
  FPDF_RemoveFormFieldHighlight(form: Pointer): void;
  FPDF_LoadPage(document: Pointer, index: number): Pointer;
  FPDF_ClosePage(page: Pointer): void;
  FPDF_GetPageWidthF(page: Pointer): number;
  FPDF_GetPageHeightF(page: Pointer): number;
  FORM_OnAfterLoadPage(page: Pointer, form: Pointer): void;
  FORM_OnBeforeClosePage(page: Pointer, form: Pointer): void;
  FPDFBitmap_CreateEx(width: number, height: number, format: number, pixels: Pointer, stride: number): Pointer;
  FPDFBitmap_FillRect(bitmap: Pointer, x: number, y: number, width: number, height: number, argb: number): void;
  FPDFBitmap_Destroy(bitmap: Pointer): void;
  FPDF_RenderPageBitmap(bitmap: Pointer, page: Pointer, ...placeAndFlags: Placement): void;
  FPDF_FFLDraw(form: Pointer, bitmap: Pointer, page: Pointer, ...placeAndFlags: Placement): void;
  FPDFText_LoadPage(page: Pointer): Pointer;
  FPDFText_ClosePage(text: Pointer): void;
  FPDFText_CountChars(text: Pointer): number;
  FPDFText_GetText(text: Pointer, from: number, count: number, into: Pointer): number;
  FPDFPage_CountObjects(page: Pointer): number;
  FPDFPage_GetObject(page: Pointer, index: number): Pointer;
  FPDFPageObj_GetType(object: Pointer): number;
  FPDFImageObj_GetImageFilterCount(object: Pointer): number;
  FPDFImageObj_GetImageFilter(object: Pointer, index: number, into: Pointer, bytes: number): number;
  FPDFImageObj_GetImagePixelSize(object: Pointer, width: Pointer, height: Pointer): number;
}

/** Left, top, width, height, quarter turns, flags. */
export type Placement = readonly [x: number, y: number, width: number, height: number, turns: number, flags: number];

/**
 * One instance of the library with a memory of its own. A call that traps leaves it in an unknown state: it is dropped,
 * and whatever was open in it.
 */
export interface Pdfium {
  readonly calls: PdfiumCalls;
  /** The whole memory; taken anew after every call, since a call may grow the memory, which ends earlier views. */
  memory(): Uint8Array;
  /** A function as the library can call it. `signature`: result and parameters, i for a number, v for none. */
  addCallback(callback: (...values: number[]) => number | undefined, signature: string): Pointer;
}

/** What of it is used: the types of Node leave it to those of the DOM. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<Module>;
  instantiate(module: Module, imports: object): Promise<object>;
};
type Module = object;

interface Runtime {
  readonly wasmExports: PdfiumCalls;
  readonly HEAPU8: Uint8Array;
  readonly addFunction: Pdfium['addCallback'];
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
  return {
    calls,
    memory: () => runtime.HEAPU8,
    addCallback: (callback, signature) => runtime.addFunction(callback, signature),
  };
}
