import { join } from 'node:path';
import { GlobalFonts } from '@napi-rs/canvas';

const FALLBACKS = [
  ['sans-serif', 'LiberationSans-Regular.ttf'],
  ['sans-serif', 'LiberationSans-Bold.ttf'],
  ['sans-serif', 'LiberationSans-Italic.ttf'],
  ['sans-serif', 'LiberationSans-BoldItalic.ttf'],
  ['serif', 'FoxitSerif.pfb'],
  ['serif', 'FoxitSerifBold.pfb'],
  ['serif', 'FoxitSerifItalic.pfb'],
  ['serif', 'FoxitSerifBoldItalic.pfb'],
  ['monospace', 'FoxitFixed.pfb'],
  ['monospace', 'FoxitFixedBold.pfb'],
  ['monospace', 'FoxitFixedItalic.pfb'],
  ['monospace', 'FoxitFixedBoldItalic.pfb'],
] as const;

/**
 * Gives the canvas the generic families that pdf.js asks for when a font is not embedded: without them such text is
 * invisible on a machine that has no fonts, and different on each that has. For CJK it still takes the machine's fonts.
 */
export function registerFallbackFonts(folder: string): void {
  // The list belongs to the process, not to the thread, and takes the same file twice.
  if (GlobalFonts.has('sans-serif')) return;
  for (const [family, file] of FALLBACKS) GlobalFonts.registerFromPath(join(folder, file), family);
}
