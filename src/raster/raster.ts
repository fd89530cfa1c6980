/**
 * Documents to pixels. A **document** is opened once and asked for pages; a **bitmap** is straight (not premultiplied)
 * RGBA, 4 bytes a pixel, rows top down without padding, at a multiple of 4 in its buffer. Engines run in a worker
 * thread only; they are synchronous or hang at will, so nothing here takes a signal: the thread is ended from outside.
 * Implementations: pdfium.ts, pdfjs.ts, and auto.ts, which chooses between them (suite: test/contracts/raster.ts).
 */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  /** May be the engine's own memory: valid until the next call of the document that it came from. */
  readonly data: Uint8Array;
  /** Every pixel is known to be opaque: its fourth byte is 255. */
  readonly isOpaque?: boolean;
  /** Name of the engine that drew it. */
  readonly engine?: string;
}

/** Points, 1/72 inch, of the page as a viewer shows it: crop box, rotation and UserUnit applied. */
export interface PageSize {
  readonly width: number;
  readonly height: number;
}

export interface RenderOptions {
  /** Pixels per point: dpi / 72. */
  readonly scale: number;
  /** Leave the paper transparent instead of white. */
  readonly transparent: boolean;
  /** Width times height above this is `page_too_large`, before anything is allocated. */
  readonly maxPixels: number;
}

/** Page numbers start at 1. Errors of all members: `invalid_pdf`, `invalid_input` (no such page). */
export interface RasterDocument {
  readonly pageCount: number;
  pageSize(page: number): Promise<PageSize>;
  /** Error: `page_too_large`. A page that comes out blank although it paints something is an error, not a picture. */
  render(page: number, options: RenderOptions): Promise<Bitmap>;
  text(page: number): Promise<string>;
  close(): Promise<void>;
}

export interface RasterEngine {
  readonly name: string;
  /** Errors: `invalid_pdf`, `password_required` (missing or wrong), `too_large` (more bytes than the engine holds). */
  open(path: string, options: { password?: string }): Promise<RasterDocument>;
}

/** A document that knows which of its pages its engine draws badly or slowly. */
export interface CriticalDocument extends RasterDocument {
  /** Why another engine should rather draw the page; undefined: nothing speaks against this one. */
  concern(page: number): Promise<string | undefined>;
}

export interface CriticalEngine extends RasterEngine {
  open(path: string, options: { password?: string }): Promise<CriticalDocument>;
}

export type ImageFormat = 'png' | 'jpeg' | 'webp';
export type PngLevel = 'fast' | 'small';

export interface EncodeOptions {
  readonly format: ImageFormat;
  /** 1 to 100, for jpeg and webp. */
  readonly quality: number;
  readonly grayscale: boolean;
  /** Of png: `fast` (default) is four to five times as quick as `small`, which takes 5 to 20 % fewer bytes. */
  readonly level?: PngLevel;
}
