import fc from 'fast-check';
import type { PixelLayout, PixelSource } from './png.js';

const ORDERS: Readonly<Record<PixelLayout, readonly number[]>> = {
  rgba: [0, 1, 2, 3],
  bgra: [2, 1, 0, 3],
  rgbx: [0, 1, 2, -1],
  bgrx: [2, 1, 0, -1],
  rgb: [0, 1, 2],
  bgr: [2, 1, 0],
  gray: [0],
};
const NOISE = 0x5b;

export type Pixel = readonly [red: number, green: number, blue: number, alpha: number];
export type Painter = (x: number, y: number) => Pixel;

export interface Size {
  readonly width: number;
  readonly height: number;
  /** Bytes behind each row but the last. */
  readonly padding?: number;
}

export interface Picture {
  readonly source: PixelSource;
  /** Straight RGBA that a decoder must give. */
  readonly pixels: Buffer;
}

/** The same pixels twice: laid out for the encoder, with noise in bytes that it must ignore, and as expected back. */
export function paint(layout: PixelLayout, { width, height, padding = 0 }: Size, painter: Painter): Picture {
  const order = ORDERS[layout];
  const stride = width * order.length + padding;
  const data = Buffer.alloc(stride * height - padding, NOISE);
  const pixels = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue, alpha] = painter(x, y);
      const pixel = [
        red,
        layout === 'gray' ? red : green,
        layout === 'gray' ? red : blue,
        order[3] === 3 ? alpha : 255,
      ];
      pixels.set(pixel, (y * width + x) * 4);
      order.forEach((channel, at) => {
        if (channel >= 0) data[y * stride + x * order.length + at] = pixel[channel] ?? 0;
      });
    }
  }
  return { source: { data, width, height, stride, layout }, pixels };
}

/** Pages in small: few or many colours, flats, slopes, repeats, specks, transparent or not. */
export const pictures: fc.Arbitrary<Picture> = fc
  .record({
    layout: fc.constantFrom<PixelLayout>('rgba', 'bgra', 'rgbx', 'bgrx', 'rgb', 'bgr', 'gray'),
    width: fc.integer({ min: 1, max: 90 }),
    height: fc.integer({ min: 1, max: 60 }),
    padding: fc.nat(9),
    colours: fc.array(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 300 }),
    noise: fc.array(fc.nat(299), { minLength: 1, maxLength: 400 }),
    kind: fc.constantFrom('noise', 'flat', 'slope'),
    isGray: fc.boolean(),
    isOpaque: fc.boolean(),
  })
  .map(({ layout, colours, noise, kind, isGray, isOpaque, ...size }) => {
    const indexAt = { noise: (x: number, y: number) => noise[(x * 7 + y * 131) % noise.length] ?? 0, flat: () => 0 };
    return paint(layout, size, (x, y) => {
      const index = kind === 'slope' ? x + y : indexAt[kind](x, y);
      const [red, green, blue, alpha] = colours[index % colours.length] ?? [0, 0, 0, 0];
      const level = kind === 'slope' ? (x + 3 * y) & 0xff : red;
      const shade = isOpaque ? 255 : alpha;
      return isGray ? [level, level, level, shade] : [level, green, blue, shade];
    });
  });
