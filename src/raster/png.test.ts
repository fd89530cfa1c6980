import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { encodePng } from './png.ts';
import type { Bitmap } from './raster.ts';

type Rgba = readonly [number, number, number, number];

/** Colour type and bits a sample stand at fixed places of the first chunk. */
function header(png: Uint8Array): { bits: number | undefined; colourType: number | undefined } {
  return { bits: png[24], colourType: png[25] };
}

function bitmapOf(width: number, height: number, pixels: (index: number) => Rgba): Bitmap {
  const data = new Uint8Array(width * height * 4);
  for (let index = 0; index < width * height; index++) data.set(pixels(index), index * 4);
  return { width, height, data };
}

/** A hash of the seed, 0 to 255. */
function noise(seed: number): number {
  return Math.imul(Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995, 0x85ebca6b) >>> 24;
}

const KINDS: readonly { kind: string; colourType: number; pixel: (value: number) => Rgba }[] = [
  { kind: 'gray', colourType: 0, pixel: (value: number) => [value, value, value, 255] },
  { kind: 'gray with alpha', colourType: 4, pixel: (value: number) => [value, value, value, 255 - value] },
  { kind: 'colour', colourType: 2, pixel: (value: number) => [value, 255 - value, value >> 1, 255] },
  { kind: 'colour with alpha', colourType: 6, pixel: (value: number) => [value, 255 - value, 7, value] },
];

suite('png', () => {
  for (const { kind, colourType, pixel } of KINDS) {
    test(`a ${kind} picture is written as such and comes back bit for bit`, () => {
      const byte = fc.integer({ min: 0, max: 255 });
      const picture = fc.tuple(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 70 }),
        fc.array(byte, { minLength: 1, maxLength: 600 }),
      );
      fc.assert(
        fc.property(picture, fc.boolean(), ([width, height, values], isSmooth) => {
          const valueAt = (index: number) => (isSmooth ? (index * 3) & 255 : (values[index % values.length] ?? 0));
          // The first pixel makes the kind certain, whatever the others are.
          const bitmap = bitmapOf(width, height, (index) => pixel(index === 0 ? 200 : valueAt(index)));
          const png = encodePng(bitmap);
          assert.deepEqual(header(png), { bits: 8, colourType });
          const decoded = PNG.sync.read(Buffer.from(png), { checkCRC: true });
          assert.deepEqual([decoded.width, decoded.height], [width, height]);
          assert.deepEqual(new Uint8Array(decoded.data), bitmap.data);
        }),
        { numRuns: 60 },
      );
    });
  }

  test('another decoder reads the same pixels', async () => {
    const bitmap = bitmapOf(333, 257, (index) => [index & 255, (index >> 3) & 255, (index * 7) & 255, 255]);
    const image = await loadImage(Buffer.from(encodePng(bitmap)));
    const canvas = createCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    assert.deepEqual(new Uint8Array(canvas.data()), bitmap.data);
  });

  for (const [filter, name, value] of [
    [0, 'no filter', (x: number, y: number) => (noise(x * 7919 + y * 104_729) & 1) * 255],
    [1, 'the filter Sub', (x: number, y: number) => (noise(y) + x) & 255],
    [2, 'the filter Up', (x: number, _y: number) => noise(x)],
  ] as const) {
    test(`a picture that suits it gets ${name}`, () => {
      const gray = (index: number) => value(index % 256, Math.floor(index / 256));
      const bitmap = bitmapOf(256, 256, (index) => [gray(index), gray(index), gray(index), 255]);
      const png = Buffer.from(encodePng(bitmap));
      const at = png.indexOf('IDAT');
      const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
      assert.equal(rows[257], filter);
      assert.deepEqual(new Uint8Array(PNG.sync.read(png).data), bitmap.data);
    });
  }

  test('the resolution is stored in dots per metre', () => {
    const bitmap = bitmapOf(1, 1, () => [0, 0, 0, 255]);
    const png = Buffer.from(encodePng(bitmap, { dpi: 200 }));
    const at = png.indexOf('pHYs');
    assert.deepEqual([png.readUInt32BE(at + 4), png.readUInt32BE(at + 8), png[at + 12]], [7874, 7874, 1]);
    assert.ok(!Buffer.from(encodePng(bitmap)).includes('pHYs'));
  });
});
