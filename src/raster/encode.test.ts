import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { loadPngEncoder } from '../../native/png/png.js';
import { createEncode, createEncodeWith } from './encode.ts';
import type { Bitmap, EncodeOptions } from './raster.ts';

const SIGNATURES = { png: '89504e470d0a1a0a', jpeg: 'ffd8ff', webp: '52494646' } as const;

/** Left half red, right half half-transparent blue. */
function sample(): Bitmap {
  const [width, height] = [40, 30];
  const data = new Uint8Array(width * height * 4);
  for (let index = 0; index < width * height; index++) {
    data.set(index % width < 20 ? [255, 0, 0, 255] : [0, 0, 255, 128], index * 4);
  }
  return { width, height, data };
}

async function colorsOf(bytes: Uint8Array): Promise<{ size: number[]; left: number[]; right: number[] }> {
  const image = await loadImage(Buffer.from(bytes));
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const at = (x: number) => [...context.getImageData(x, 15, 1, 1).data];
  return { size: [image.width, image.height], left: at(5), right: at(35) };
}

function assertNear(found: readonly number[], expected: readonly number[]): void {
  const isNear = found.every((part, index) => Math.abs(part - (expected[index] ?? 0)) <= 12);
  assert.ok(isNear, `${found.join(' ')} instead of ${expected.join(' ')}`);
}

const loaded = loadPngEncoder();
const native = 'reason' in loaded ? undefined : loaded;

for (const [name, encode, skip] of [
  ['native', createEncodeWith(native), native === undefined],
  ['pure', createEncodeWith(undefined), false],
] as const) {
  suite(`encode: ${name}`, { skip }, () => {
    for (const [format, left, right] of [
      ['png', [255, 0, 0, 255], [0, 0, 255, 128]],
      ['webp', [255, 0, 0, 255], [0, 0, 255, 128]],
      ['jpeg', [255, 0, 0, 255], [127, 127, 255, 255]],
    ] as const) {
      const options: EncodeOptions = { format, quality: 90, grayscale: false };

      test(`${format} keeps size and colours${format === 'jpeg' ? ', on white paper' : ' and transparency'}`, async () => {
        const bytes = await encode(sample(), options);
        assert.ok(Buffer.from(bytes).toString('hex').startsWith(SIGNATURES[format]));
        const decoded = await colorsOf(bytes);
        assert.deepEqual(decoded.size, [40, 30]);
        assertNear(decoded.left, left);
        assertNear(decoded.right, right);
      });

      test(`${format} in gray has the brightness of the colours`, async () => {
        const { left: red } = await colorsOf(await encode(sample(), { ...options, grayscale: true }));
        assertNear(red, [77, 77, 77, 255]);
      });
    }

    test('a lower quality gives a smaller jpeg and webp', async () => {
      const noisy = sample();
      for (let index = 0; index < noisy.data.length; index++) if (index % 4 < 3) noisy.data[index] = (index * 97) & 255;
      for (const format of ['jpeg', 'webp'] as const) {
        const [low, high] = await Promise.all(
          [20, 95].map((quality) => encode(noisy, { format, quality, grayscale: false })),
        );
        assert.ok(low && high && low.length < high.length);
      }
    });

    test('the bitmap itself is left as it was', async () => {
      const bitmap = sample();
      await encode(bitmap, { format: 'jpeg', quality: 80, grayscale: true });
      assert.deepEqual(bitmap, sample());
    });
  });
}

test('a machine without the native encoder is told why', () => {
  const reasons: string[] = [];
  createEncode((reason) => void reasons.push(reason));
  assert.equal(reasons.length, native === undefined ? 1 : 0);
});
