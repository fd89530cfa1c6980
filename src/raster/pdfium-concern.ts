import { hasBareAnnotations } from './pdfium-annotations.ts';
import type { Pdfium, Pointer } from './pdfium-calls.ts';
import { allocate } from './pdfium-memory.ts';
import type { PdfiumSession } from './pdfium-session.ts';

/** FPDF_PAGEOBJ_IMAGE. */
const IMAGE_OBJECT = 3;
/**
 * Above so many JPEG 2000 pixels pdf.js is ahead, which takes 60 instead of 190 ns for each but has to be loaded and to
 * open the document first, in 300 ms. By page, not by document: the same page is drawn alike whatever else was asked for.
 */
const MAX_JPX_PIXELS = 2_000_000;
/** Objects of a page that are looked at: what makes a page heavy is a few big images. */
const MAX_OBJECTS = 1000;
const MAX_FILTER_BYTES = 32;

/**
 * Why another engine should draw the page: PDFium knows no UserUnit, is given no CJK font, shows nothing of some annotations
 * that bring no appearance, and is slow with JPEG 2000.
 */
export function findConcern(session: PdfiumSession, page: number): string | undefined {
  if (session.hasUserUnit) return 'a unit of its own';
  const handle = session.load(page);
  if (session.missingCharsets.size > 0) return 'text in a font that is not embedded';
  if (hasBareAnnotations(session.pdfium, handle)) return 'annotations without an appearance';
  const pixels = countJpxPixels(session.pdfium, handle);
  return pixels > MAX_JPX_PIXELS ? `${pixels} pixels of JPEG 2000` : undefined;
}

/** An image that is drawn again is decoded once; the length of its data tells it from others well enough. */
function countJpxPixels(pdfium: Pdfium, page: Pointer): number {
  const { calls } = pdfium;
  const scratch = allocate(calls, MAX_FILTER_BYTES);
  const images = new Map<number, number>();
  const count = Math.min(calls.FPDFPage_CountObjects(page), MAX_OBJECTS);
  for (let index = 0; index < count; index++) {
    const object = calls.FPDFPage_GetObject(page, index);
    if (calls.FPDFPageObj_GetType(object) !== IMAGE_OBJECT || !isJpx(pdfium, object, scratch)) continue;
    calls.FPDFImageObj_GetImagePixelSize(object, scratch, scratch + 4);
    const size = pdfium.view(scratch, 8);
    const area = size.readUInt32LE(0) * size.readUInt32LE(4);
    images.set(calls.FPDFImageObj_GetImageDataRaw(object, 0, 0), area);
  }
  calls.free(scratch);
  return images.values().reduce((sum, pixels) => sum + pixels, 0);
}

function isJpx({ calls, view }: Pdfium, object: Pointer, scratch: Pointer): boolean {
  const last = calls.FPDFImageObj_GetImageFilterCount(object) - 1;
  if (last < 0) return false;
  const bytes = calls.FPDFImageObj_GetImageFilter(object, last, scratch, MAX_FILTER_BYTES);
  return view(scratch, Math.max(0, Math.min(bytes, MAX_FILTER_BYTES) - 1)).toString() === 'JPXDecode';
}
