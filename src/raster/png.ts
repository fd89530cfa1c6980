import { constants, crc32, deflateSync } from 'node:zlib';
import { type Filter, filterRows, type Samples } from './png-filter.ts';
import type { Bitmap } from './raster.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Colour types (PNG third edition, section 11.2.1) by samples a pixel: gray, gray and alpha, RGB, RGBA. */
const COLOUR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;
type Channels = keyof typeof COLOUR_TYPES;

const INCHES_PER_METRE = 39.3701;

/**
 * A bitmap as PNG with 8 bits a sample: gray where every pixel is gray, without alpha where every pixel is opaque.
 * Aims at speed on pages: one filter for the whole picture, chosen by a sample of rows, and zlib's fastest level.
 */
export function encodePng(bitmap: Bitmap, options: { dpi?: number } = {}): Uint8Array {
  const samples = packSamples(bitmap);
  const deflated = deflateSync(filterRows(samples), DEFLATE);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header(bitmap, samples.channels)),
    ...(options.dpi === undefined ? [] : [chunk('pHYs', resolution(options.dpi))]),
    chunk('IDAT', deflated),
    chunk('IEND', new Uint8Array(0)),
  ]);
}
