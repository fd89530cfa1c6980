import assert from 'node:assert/strict';
import type { Bitmap } from '../../src/raster/raster.ts';

export type Rgba = readonly [number, number, number, number];

/** Part of a page, in its points from the top left as a viewer shows it. */
interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** x and y from the top left. */
export function pixelAt({ width, data }: Bitmap, x: number, y: number): Rgba {
  const at = (Math.round(y) * width + Math.round(x)) * 4;
  return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0];
}

/** Fails unless every part of the pixel is within `tolerance` of what is expected. */
export function assertColor(bitmap: Bitmap, [x, y]: readonly [number, number], expected: Rgba, tolerance = 6): void {
  const found = pixelAt(bitmap, x, y);
  const isNear = found.every((part, index) => Math.abs(part - (expected[index] ?? 0)) <= tolerance);
  assert.ok(isNear, `at ${x}, ${y}: ${found.join(' ')} instead of ${expected.join(' ')}`);
}

/** How much of an area is darker than half, 0 to 1. */
export function darkShare(bitmap: Bitmap, { x, y, width, height }: Area): number {
  let dark = 0;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) if (pixelAt(bitmap, column, row)[1] < 128) dark++;
  }
  return dark / (width * height);
}
