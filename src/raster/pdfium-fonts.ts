import type { Pdfium } from './pdfium-calls.ts';

/** FPDF_SYSFONTINFO, version 1: the version and eight functions, of which MapFont is the third. */
const INFO_WORDS = 9;
const MAP_FONT = 3;
/** Result, then info, weight, is italic, charset, pitch and family, face, is exact. */
const MAP_FONT_SIGNATURE = 'iiiiiiii';
/** ANSI, default and symbol: the fonts inside PDFium serve for these. */
const SERVED_CHARSETS: ReadonlySet<number> = new Set([0, 1, 2]);

/** A function as the library can call it. `signature`: result and parameters, i for a number. */
export type AddCallback = (callback: (...values: number[]) => number, signature: string) => number;

/**
 * Listens to which fonts PDFium asks the system for. It gets none, as it would anyway in WebAssembly; the set it returns
 * grows by the charsets for which the fonts inside PDFium have no glyphs.
 */
export function watchFonts({
  calls,
  memory,
  addCallback,
}: Pick<Pdfium, 'calls' | 'memory'> & { readonly addCallback: AddCallback }): Set<number> {
  const missing = new Set<number>();
  const mapFont = addCallback((_info, _weight, _isItalic, charset = 0) => {
    if (!SERVED_CHARSETS.has(charset)) missing.add(charset);
    return 0;
  }, MAP_FONT_SIGNATURE);
  // Kept by the library as long as the instance lives.
  const info = calls.malloc(INFO_WORDS * 4);
  const words = new DataView(memory().buffer, info, INFO_WORDS * 4);
  for (let word = 0; word < INFO_WORDS; word++) words.setUint32(word * 4, 0, true);
  words.setUint32(0, 1, true);
  words.setUint32(MAP_FONT * 4, mapFont, true);
  calls.FPDF_SetSystemFontInfo(info);
  return missing;
}
