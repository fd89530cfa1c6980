import { fileURLToPath } from 'node:url';
import type { Pdfium, PdfiumCalls, PdfiumLibrary, Pointer } from './pdfium-calls.ts';
import { type MapFont, watchFonts } from './pdfium-fonts.ts';

/**
 * npm installs it where it fits: Linux, x86-64, glibc. PDFium is Apache-2.0 and BSD-3-Clause. It reads what strangers send:
 * follow its releases, and hold a new one against the old by `npm run bench -- fidelity`.
 */
const LIBRARY = '@llamaindex/liteparse-linux-x64-gnu/libpdfium.so';
const WORD_BYTES = 8;
const MAP_FONT = 'uintptr_t MapFont(uintptr_t, int, int, int, int, uintptr_t, uintptr_t)';

type Koffi = typeof import('koffi').default;

/** Result and parameters. Handles and addresses are numbers here, which hold every address of a process (48 bits). */
type Prototype = readonly [result: string, ...parameters: string[]];

const PLACEMENT = ['int', 'int', 'int', 'int', 'int', 'int'];
const PROTOTYPES: Readonly<Record<Exclude<keyof PdfiumCalls, 'malloc' | 'free'>, Prototype>> = {
  FPDF_InitLibrary: ['void'],
  FPDFDOC_InitFormFillEnvironment: ['uintptr_t', 'uintptr_t', 'uintptr_t'],
  FPDFDOC_ExitFormFillEnvironment: ['void', 'uintptr_t'],
  FPDF_SetSystemFontInfo: ['void', 'uintptr_t'],
  FPDF_LoadMemDocument: ['uintptr_t', 'uintptr_t', 'int', 'uintptr_t'],
  FPDF_CloseDocument: ['void', 'uintptr_t'],
  FPDF_GetLastError: ['unsigned long'],
  FPDF_GetPageCount: ['int', 'uintptr_t'],
  FPDF_GetFormType: ['int', 'uintptr_t'],
  FPDF_RemoveFormFieldHighlight: ['void', 'uintptr_t'],
  FPDF_LoadPage: ['uintptr_t', 'uintptr_t', 'int'],
  FPDF_ClosePage: ['void', 'uintptr_t'],
  FPDF_GetPageWidthF: ['float', 'uintptr_t'],
  FPDF_GetPageHeightF: ['float', 'uintptr_t'],
  FORM_OnAfterLoadPage: ['void', 'uintptr_t', 'uintptr_t'],
  FORM_OnBeforeClosePage: ['void', 'uintptr_t', 'uintptr_t'],
  FPDFBitmap_CreateEx: ['uintptr_t', 'int', 'int', 'int', 'uintptr_t', 'int'],
  FPDFBitmap_FillRect: ['void', 'uintptr_t', 'int', 'int', 'int', 'int', 'unsigned long'],
  FPDFBitmap_Destroy: ['void', 'uintptr_t'],
  FPDF_RenderPageBitmap: ['void', 'uintptr_t', 'uintptr_t', ...PLACEMENT],
  FPDF_FFLDraw: ['void', 'uintptr_t', 'uintptr_t', 'uintptr_t', ...PLACEMENT],
  FPDFText_LoadPage: ['uintptr_t', 'uintptr_t'],
  FPDFText_ClosePage: ['void', 'uintptr_t'],
  FPDFText_CountChars: ['int', 'uintptr_t'],
  FPDFText_GetText: ['int', 'uintptr_t', 'int', 'int', 'uintptr_t'],
  FPDFPage_CountObjects: ['int', 'uintptr_t'],
  FPDFPage_GetObject: ['uintptr_t', 'uintptr_t', 'int'],
  FPDFPageObj_GetType: ['int', 'uintptr_t'],
  FPDFImageObj_GetImageFilterCount: ['int', 'uintptr_t'],
  FPDFImageObj_GetImageFilter: ['unsigned long', 'uintptr_t', 'int', 'uintptr_t', 'unsigned long'],
  FPDFImageObj_GetImageDataRaw: ['unsigned long', 'uintptr_t', 'uintptr_t', 'unsigned long'],
  FPDFPage_GetAnnotCount: ['int', 'uintptr_t'],
  FPDFPage_GetAnnot: ['uintptr_t', 'uintptr_t', 'int'],
  FPDFPage_CloseAnnot: ['void', 'uintptr_t'],
  FPDFAnnot_GetSubtype: ['int', 'uintptr_t'],
  FPDFAnnot_GetFlags: ['int', 'uintptr_t'],
  FPDFAnnot_HasKey: ['int', 'uintptr_t', 'uintptr_t'],
  FPDFAnnot_GetBorder: ['int', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
  FPDFAnnot_GetColor: ['int', 'uintptr_t', 'int', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
  FPDFAnnot_GetRect: ['int', 'uintptr_t', 'uintptr_t'],
  FPDFPageObj_CreateNewRect: ['uintptr_t', 'float', 'float', 'float', 'float'],
  FPDFPageObj_SetStrokeColor: ['int', 'uintptr_t', 'uint', 'uint', 'uint', 'uint'],
  FPDFPageObj_SetStrokeWidth: ['int', 'uintptr_t', 'float'],
  FPDFPath_SetDrawMode: ['int', 'uintptr_t', 'int', 'int'],
  FPDFPage_InsertObject: ['void', 'uintptr_t', 'uintptr_t'],
  FPDFImageObj_GetImagePixelSize: ['int', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
};

/** The library is the process's own, however often it is asked for. */
let loaded: Pdfium | undefined;

/**
 * PDFium as machine code: draws in two thirds of the time that it takes in WebAssembly, and starts without compiling.
 * There is one in a process, for one thread; what a document does to its memory it does to the process's.
 * `reason`: why there is none here.
 */
export async function loadNativeLibrary(): Promise<PdfiumLibrary | { readonly reason: string }> {
  try {
    const { default: koffi } = await import('koffi');
    loaded ??= load(koffi, fileURLToPath(import.meta.resolve(LIBRARY)));
    const pdfium = loaded;
    return { take: async () => pdfium, give: () => undefined };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function load(koffi: Koffi, path: string): Pdfium {
  const library = koffi.load(path);
  const system = koffi.load(null);
  const functions = Object.entries(PROTOTYPES).map(([name, [result, ...parameters]]) => [
    name,
    library.func(name, result, parameters),
  ]);
  const calls: PdfiumCalls = {
    ...Object.fromEntries(functions),
    malloc: system.func('malloc', 'uintptr_t', ['size_t']),
    free: system.func('free', 'void', ['uintptr_t']),
  };
  const view = (pointer: Pointer, bytes: number) => Buffer.from(koffi.view(pointer, bytes));
  const pdfium: Pdfium = {
    ...{ calls, view, wordBytes: WORD_BYTES, drawsAnnotations: false, isSound: true, missingCharsets: new Set() },
    // Detaches it: V8 counts the bytes as long as a view is there.
    release: ({ buffer }) => void (buffer as ArrayBuffer).transfer(0),
  };
  calls.FPDF_InitLibrary();
  watchFonts(pdfium, (mapFont) => addCallback(koffi, mapFont));
  return pdfium;
}

function addCallback(koffi: Koffi, mapFont: MapFont): Pointer {
  return Number(koffi.address(koffi.register(mapFont, koffi.pointer(koffi.proto(MAP_FONT)))));
}
