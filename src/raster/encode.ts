import { createCanvas, ImageData } from '@napi-rs/canvas';
import { encodePng } from './png.ts';
import type { Bitmap, EncodeOptions } from './raster.ts';

/** A bitmap as the bytes of an image file. Transparency is kept by png and webp; jpeg puts white behind it. */
export async function encode(bitmap: Bitmap, { format, quality, grayscale }: EncodeOptions): Promise<Uint8Array> {
  const picture = grayscale ? toGray(bitmap) : bitmap;
  if (format === 'png') return encodePng(picture);
  const canvas = createCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d');
  const { data, width, height } = picture;
  context.putImageData(
    new ImageData(new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height),
    0,
    0,
  );
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
