/**
 * Pixels to PNG in C++, on the calling thread: colour type, bit depth and filter chosen by looking at the pixels.
 * A **layout** names a pixel's bytes in memory order; an `x` byte is ignored. Lossless but for `colour: 'gray'`.
 */
export type PixelLayout = 'rgba' | 'bgra' | 'rgbx' | 'bgrx' | 'rgb' | 'bgr' | 'gray';

export interface PixelSource {
  /** Read only while the call lasts; memory shared between threads is welcome. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Pixels, 1 to 2^28 - 1. */
  readonly width: number;
  /** Pixels, 1 to 2^31 - 1. */
  readonly height: number;
  /** Bytes from one row to the next; default: rows without padding. */
  readonly stride?: number;
  readonly layout: PixelLayout;
  /** Colours are multiplied by alpha, as canvases keep them; written straight. Default false. */
  readonly premultiplied?: boolean;
}

export interface PngOptions {
  /** `fast` (default): a page in some 10 ms. `small`: about a quarter of the speed, 5 to 20 % fewer bytes. */
  readonly level?: 'fast' | 'small';
  /** `auto` (default) drops what no pixel uses; `gray` converts by BT.601 luma; `rgb` drops alpha. */
  readonly colour?: 'auto' | 'gray' | 'rgb' | 'rgba';
  /** Written as pHYs, rounded to pixels per metre; default: none. */
  readonly dpi?: number;
}

/** Both throw TypeError on arguments that do not fit each other, and Error without memory. */
export interface PngEncoder {
  encode(source: PixelSource, options?: PngOptions): Buffer;
  /**
   * Writes to a blocking descriptor, at its position, and returns the file's size in bytes. Throws Error with `code`,
   * such as ENOSPC, where writing fails: some bytes may be written then. The descriptor stays open.
   */
  encodeTo(descriptor: number, source: PixelSource, options?: PngOptions): number;
}

/** The compiled encoder, or why there is none on this machine: the caller logs it and uses its own. */
export function loadPngEncoder(): PngEncoder | { readonly reason: string };
