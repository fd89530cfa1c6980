import { deflateSync } from 'node:zlib';

/** A picture as one number a pixel (red in the low byte, alpha in the high one), and what of each goes into the file. */
export interface Pixels {
  readonly pixels: Int32Array;
  readonly width: number;
  readonly height: number;
  /** Bytes a pixel in the file: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. */
  readonly channels: number;
}

/** The first byte of a filtered row (PNG third edition, section 9.2). */
const FILTERS = { none: 0, sub: 1, up: 2 } as const;
type Filter = keyof typeof FILTERS;

/** How much of the picture is tried with every filter before one is chosen. */
const SAMPLE_BANDS = 8;
const BAND_ROWS = 8;

/** zlib at its fastest; more memory and large output chunks save time. */
export const DEFLATE = { level: 1, memLevel: 9, chunkSize: 1024 * 1024 } as const;

/**
 * The rows as PNG wants them before deflating, all with the filter under which a sample of them deflates best. Pages
 * are either text, best unfiltered, or smooth; a choice per row costs more time than it saves bytes.
 */
export function filterRows(picture: Pixels): Uint8Array {
  const out = new Uint8Array(filteredBytes(picture, picture.height));
  applyFilter(chooseFilter(picture), picture, { from: 0, to: picture.height, out });
  return out;
}

function chooseFilter(picture: Pixels): Filter {
  const out = new Uint8Array(filteredBytes(picture, SAMPLE_BANDS * BAND_ROWS));
  let best: Filter = 'none';
  let bestBytes = Number.POSITIVE_INFINITY;
  for (const filter of ['none', 'up', 'sub'] as const) {
    let used = 0;
    for (let band = 0; band < SAMPLE_BANDS; band++) {
      const from = Math.floor((band * picture.height) / SAMPLE_BANDS);
      const to = Math.min(from + BAND_ROWS, picture.height);
      applyFilter(filter, picture, { from, to, out: out.subarray(used) });
      used += filteredBytes(picture, to - from);
    }
    const bytes = deflateSync(out.subarray(0, used), DEFLATE).length;
    if (bytes < bestBytes) [best, bestBytes] = [filter, bytes];
  }
  return best;
}

function filteredBytes({ width, channels }: Pixels, rows: number): number {
  return (width * channels + 1) * rows;
}

function applyFilter(filter: Filter, picture: Pixels, range: { from: number; to: number; out: Uint8Array }): void {
  const { width } = picture;
  const { out } = range;
  for (let row = range.from; row < range.to; row++) {
    const from = row * width;
    const to = from + width;
    let at = filteredBytes(picture, row - range.from);
    // The first row has nothing above it, which is the same as no filter.
    const used = row === 0 && filter === 'up' ? 'none' : filter;
    out[at++] = FILTERS[used];
    if (used === 'none') writePixels(picture, { from, to, back: 0, out, at });
    if (used === 'up') writePixels(picture, { from, to, back: width, out, at });
    if (used === 'sub') {
      writePixels(picture, { from, to: from + 1, back: 0, out, at });
      writePixels(picture, { from: from + 1, to, back: 1, out, at: at + picture.channels });
    }
  }
}

interface Span {
  readonly from: number;
  readonly to: number;
  /** How many pixels before each one the pixel is that predicts it; 0: none does. */
  readonly back: number;
  readonly out: Uint8Array;
  readonly at: number;
}

/** Indexed loops throughout: for-of over a typed array takes ten times as long. */
function writePixels({ pixels, channels }: Pixels, { from, to, back, out, at }: Span): void {
  let next = at;
  for (let index = from; index < to; index++) {
    const pixel = pixels[index] ?? 0;
    const rest = back === 0 ? pixel : subtractBytes(pixel, pixels[index - back] ?? 0);
    out[next++] = rest;
    if (channels > 2) {
      out[next++] = rest >>> 8;
      out[next++] = rest >>> 16;
    }
    if (channels === 2 || channels === 4) out[next++] = rest >>> 24;
  }
}

/** All four bytes at once, modulo 256 each: the top bit of every byte is kept from borrowing of its neighbour. */
function subtractBytes(a: number, b: number): number {
  return ((a | 0x80808080) - (b & 0x7f7f7f7f)) ^ ((a ^ ~b) & 0x80808080);
}
