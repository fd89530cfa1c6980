import type { Bitmap } from './raster.ts';

const WHITE = 0xffffffff;

/** True if every pixel is opaque white, or every pixel is wholly transparent: nothing to see. */
export function isBlank({ data }: Bitmap): boolean {
  const pixels = new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2);
  const first = pixels[0];
  if (first !== WHITE && first !== 0) return false;
  // An indexed loop: `every` calls a function for each pixel of the upper margin and takes a tenth of a text page's time.
  for (let index = 1; index < pixels.length; index++) if (pixels[index] !== first) return false;
  return true;
}
