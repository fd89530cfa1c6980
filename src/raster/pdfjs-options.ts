import { fileURLToPath } from 'node:url';
import { type getDocument, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs';

export type DocumentOptions = Exclude<Parameters<typeof getDocument>[0], string | URL | ArrayBuffer | undefined>;

/**
 * Pixels of one image inside a document; a larger one is left out, as if damaged. Decoded it takes 4 bytes a pixel, so
 * that a few kilobytes could ask for any amount of memory. A1 at 600 dpi has 279 million.
 */
const MAX_IMAGE_PIXELS = 300_000_000;

/** How pdf.js runs on a server: everything from local files, nothing guessed from a browser, nothing on the console. */
export function documentOptions(password: string | undefined): DocumentOptions {
  return {
    ...(password === undefined ? {} : { password }),
    verbosity: VerbosityLevel.ERRORS,
    // Without these, JPX, JBIG2 and CCITT images, the standard fonts and CJK text are missing (mozilla/pdf.js#20288).
    wasmUrl: packageFolder('wasm'),
    standardFontDataUrl: packageFolder('standard_fonts'),
    cMapUrl: packageFolder('cmaps'),
    iccUrl: packageFolder('iccs'),
    maxImageSize: MAX_IMAGE_PIXELS,
    enableXfa: false,
    useSystemFonts: false,
    // Glyphs as paths: with font faces @napi-rs/canvas picks wrong glyphs.
    disableFontFace: true,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
  };
}

/** A folder of pdf.js, which joins file names to it as it is: a path, not a URL, with a slash at the end. */
export function packageFolder(name: string): string {
  return fileURLToPath(new URL(`${name}/`, import.meta.resolve('pdfjs-dist/package.json')));
}
