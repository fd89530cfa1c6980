import type { Pdfium, Pointer } from './pdfium-calls.ts';
import { allocateStruct } from './pdfium-memory.ts';

/** FPDF_SYSFONTINFO, version 1: the version and eight functions, of which MapFont is the third. */
const INFO_WORDS = 9;
const MAP_FONT = 3;
/** ANSI, default and symbol: the fonts inside PDFium serve for these. */
const SERVED_CHARSETS: ReadonlySet<number> = new Set([0, 1, 2]);

/** FPDF_SYSFONTINFO's MapFont; gives no font. */
export type MapFont = (
  info: Pointer,
  weight: number,
  isItalic: number,
  charset: number,
  pitchFamily: number,
  face: Pointer,
  isExact: Pointer,
) => Pointer;

/**
 * Listens to which fonts PDFium asks the system for. It gets none, so that a page looks the same on every machine;
 * `missingCharsets` grows by those for which the fonts inside PDFium have no glyphs.
 */
export function watchFonts(pdfium: Pdfium, addCallback: (mapFont: MapFont) => Pointer): void {
  const mapFont = addCallback((_info, _weight, _isItalic, charset) => {
    if (!SERVED_CHARSETS.has(charset)) pdfium.missingCharsets.add(charset);
    return 0;
  });
  // Kept by the library as long as the instance lives.
  pdfium.calls.FPDF_SetSystemFontInfo(allocateStruct(pdfium, 1, INFO_WORDS, { [MAP_FONT]: mapFont }));
}
