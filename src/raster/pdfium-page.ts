import type { Pdfium, Placement, Pointer } from './pdfium-calls.ts';
import { allocate } from './pdfium-memory.ts';
import type { PdfiumSession } from './pdfium-session.ts';
import type { Bitmap, PageSize } from './raster.ts';
import { noMemory } from './refusals.ts';

/** Blending onto opaque pixels needs no division: a fifth faster than onto BGRA, and right for non-isolated groups. */
const FORMAT_BGRX = 3;
const FORMAT_BGRA = 4;
/** Annotations too; bytes in the order RGBA, which costs PDFium nothing. */
const FLAGS = 0x01 | 0x10;
const WHITE = 0xffffffff;
const CLEAR = 0;
const BYTES_PER_PIXEL = 4;

/**
 * Draws a page. The pixels are a view of the library's memory: valid until the next call into it, so that they go to
 * the encoder without a copy. Error: `page_too_large` if there is no memory.
 */
export function drawPage(
  session: PdfiumSession,
  page: number,
  { width, height, transparent }: PageSize & { readonly transparent: boolean },
): Bitmap {
  const { calls } = session.pdfium;
  const handle = session.load(page);
  const pixels = session.pixels(width * height * BYTES_PER_PIXEL);
  const placement: Placement = [0, 0, width, height, 0, FLAGS];
  const drawAs = (format: number, draw: (bitmap: Pointer) => void) => {
    const bitmap = pixels && calls.FPDFBitmap_CreateEx(width, height, format, pixels, width * BYTES_PER_PIXEL);
    if (bitmap === 0) throw noMemory(page);
    draw(bitmap);
    calls.FPDFBitmap_Destroy(bitmap);
  };
  drawAs(transparent ? FORMAT_BGRA : FORMAT_BGRX, (bitmap) => {
    calls.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, transparent ? CLEAR : WHITE);
    calls.FPDF_RenderPageBitmap(bitmap, handle, ...placement);
  });
  // As BGRA: onto opaque pixels the texts of fields get the colour fringes of an LCD.
  if (session.form !== 0) {
    drawAs(FORMAT_BGRA, (bitmap) => calls.FPDF_FFLDraw(session.form, bitmap, handle, ...placement));
  }
  return {
    width,
    height,
    isOpaque: !transparent,
    engine: 'pdfium',
    data: session.picture(width * height * BYTES_PER_PIXEL),
  };
}

/** The page's text in reading order, lines ended by \n. */
export function readText({ calls, view }: Pdfium, page: Pointer): string {
  const text = calls.FPDFText_LoadPage(page);
  if (text === 0) return '';
  const count = calls.FPDFText_CountChars(text);
  const buffer = allocate(calls, (Math.max(0, count) + 1) * 2);
  const units = calls.FPDFText_GetText(text, 0, count, buffer);
  const found = view(buffer, Math.max(0, units - 1) * 2).toString('utf16le');
  calls.free(buffer);
  calls.FPDFText_ClosePage(text);
  return found.replaceAll('\r\n', '\n');
}
