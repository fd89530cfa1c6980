import { loadPngEncoder, type PngEncoder } from '../../native/png/png.js';
import { encodePng } from './png.ts';
import type { Bitmap, EncodeOptions } from './raster.ts';

/** A bitmap as the bytes of an image file. Transparency is kept by png and webp; jpeg puts white behind it. */
export type Encode = (bitmap: Bitmap, options: EncodeOptions) => Promise<Uint8Array>;

/** `onFallback` is told, at most once, why pages are encoded without the native encoder: several times as long. */
export function createEncode(onFallback: (reason: string) => void): Encode {
  const loaded = loadPngEncoder();
  if ('reason' in loaded) onFallback(loaded.reason);
  return createEncodeWith('reason' in loaded ? undefined : loaded);
}

/** undefined: PNG by the pure encoder, which knows one level only. */
export function createEncodeWith(native: PngEncoder | undefined): Encode {
  return async (bitmap, { format, quality, grayscale, level }) => {
    if (format === 'png' && native !== undefined) {
      const colour = grayscale ? 'gray' : 'auto';
      return native.encode(
        { ...bitmap, layout: bitmap.isOpaque ? 'rgbx' : 'rgba' },
        { colour, level: level ?? 'fast' },
      );
    }
    const picture = grayscale ? toGray(bitmap) : bitmap;
    return format === 'png' ? encodePng(picture) : encodeByCanvas(picture, format, quality);
  };
}

async function encodeByCanvas(picture: Bitmap, format: 'jpeg' | 'webp', quality: number): Promise<Uint8Array> {
  // Loaded where it is needed: png is not, and saves 30 ms of a worker's start and 20 MB of its memory.
  const { createCanvas, ImageData } = await import('@napi-rs/canvas');
  const { data, width, height } = picture;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  context.putImageData(new ImageData(pixels, width, height), 0, 0);
  if (format === 'jpeg') {
    context.globalCompositeOperation = 'destination-over';
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
  }
  const bytes = await canvas.encode(format, quality);
  // Frees the pixels now: the collector sees only the small object that holds them.
  canvas.width = 0;
  return bytes;
}

/** Luma as in ITU-R BT.601, the weights of DeviceGray in PDF (ISO 32000-2, 10.4.2.1) to within one part in 256. */
function toGray({ width, height, data }: Bitmap): Bitmap {
  const source = new Int32Array(data.buffer, data.byteOffset, width * height);
  const gray = new Int32Array(source.length);
  for (let index = 0; index < source.length; index++) {
    const pixel = source[index] ?? 0;
    const luma = (77 * (pixel & 0xff) + 150 * ((pixel >>> 8) & 0xff) + 29 * ((pixel >>> 16) & 0xff) + 128) >>> 8;
    gray[index] = (pixel & 0xff000000) | (luma << 16) | (luma << 8) | luma;
  }
  return { width, height, data: new Uint8Array(gray.buffer) };
}
