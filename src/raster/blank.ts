import type { Bitmap } from './raster.ts';

const WHITE = 0xffffffff;

/** True if every pixel is opaque white, or every pixel is wholly transparent: nothing to see. */
export function isBlank({ data }: Bitmap): boolean {
  const pixels = new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  const first = pixels[0];
  if (first !== WHITE && first !== 0) return false;
  return pixels.every((pixel) => pixel === first);
}
