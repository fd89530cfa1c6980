/** Addresses in the library's memory, and its handles; 0 is none. */
export type Pointer = number;

/** What is used of PDFium's C interface (public/fpdfview.h, fpdf_formfill.h, fpdf_text.h, fpdf_edit.h, fpdf_annot.h). */
export interface PdfiumCalls {
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  FPDF_InitLibrary(): void;
  FPDFDOC_InitFormFillEnvironment(document: Pointer, info: Pointer): Pointer;
  FPDFDOC_ExitFormFillEnvironment(form: Pointer): void;
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
  FPDFImageObj_GetImageDataRaw(object: Pointer, into: Pointer, bytes: number): number;
  FPDFPage_GetAnnotCount(page: Pointer): number;
  FPDFPage_GetAnnot(page: Pointer, index: number): Pointer;
  FPDFPage_CloseAnnot(annotation: Pointer): void;
  FPDFAnnot_GetSubtype(annotation: Pointer): number;
  FPDFAnnot_GetFlags(annotation: Pointer): number;
  FPDFAnnot_HasKey(annotation: Pointer, key: Pointer): number;
  FPDFAnnot_GetBorder(annotation: Pointer, across: Pointer, down: Pointer, width: Pointer): number;
  FPDFAnnot_GetColor(annotation: Pointer, type: number, ...channels: [Pointer, Pointer, Pointer, Pointer]): number;
  FPDFAnnot_GetRect(annotation: Pointer, rect: Pointer): number;
  FPDFPageObj_CreateNewRect(x: number, y: number, width: number, height: number): Pointer;
  FPDFPageObj_SetStrokeColor(object: Pointer, ...rgba: [number, number, number, number]): number;
  FPDFPageObj_SetStrokeWidth(object: Pointer, width: number): number;
  FPDFPath_SetDrawMode(path: Pointer, fill: number, stroke: number): number;
  FPDFPage_InsertObject(page: Pointer, object: Pointer): void;
  FPDFImageObj_GetImagePixelSize(object: Pointer, width: Pointer, height: Pointer): number;
}

/** Left, top, width, height, quarter turns, flags. */
export type Placement = readonly [x: number, y: number, width: number, height: number, turns: number, flags: number];

/**
 * One instance of the library. Where it runs in WebAssembly it has a memory of its own, and a call that traps leaves it in
 * an unknown state: it is dropped, and whatever was open in it. As machine code it is the process's only one, and what
 * would trap ends the process.
 */
export interface Pdfium {
  readonly calls: PdfiumCalls;
  /** Bytes of its memory, which must be allocated; valid until the next call, which may move the memory. */
  view(pointer: Pointer, bytes: number): Buffer;
  /** The memory that a view looks at is about to be freed, or to be looked at again. */
  release(view: Buffer): void;
  /** Bytes of a pointer. */
  readonly wordBytes: number;
  /** Its build draws links' borders and all annotations that bring no appearance. */
  readonly drawsAnnotations: boolean;
  /** What a call throws leaves it as it was. */
  readonly isSound: boolean;
  /** Where a charset goes that a font was asked of the system for and not got: set by the document that is at work. */
  missingCharsets: Set<number>;
}

/** Where instances come from, and go to when their document is closed. Implementations: pdfium-native.ts, pdfium-wasm.ts. */
export interface PdfiumLibrary {
  take(): Promise<Pdfium>;
  give(pdfium: Pdfium): void;
}
