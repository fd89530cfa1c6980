import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Canvas } from '@napi-rs/canvas';
import { MqCoder } from './mq-coder.ts';
import type { Id, PdfWriter, Value } from './pdf-writer.ts';
import { type Raw, toRgb } from './pictures.ts';

/** An image as a PDF stream: the entries of its dictionary that the codec decides, and its bytes. */
export interface EncodedImage {
  readonly dictionary: Readonly<Record<string, Value>>;
  readonly data: Buffer;
}

export function addImage(pdf: PdfWriter, { dictionary, data }: EncodedImage, extra: Record<string, Value> = {}): Id {
  return pdf.addStream({ Type: '/XObject', Subtype: '/Image', ...dictionary, ...extra }, data);
}

export function jpegImage(canvas: Canvas, quality: number): EncodedImage {
  const base = { Width: canvas.width, Height: canvas.height, ColorSpace: '/DeviceRGB', BitsPerComponent: 8 };
  return { dictionary: { ...base, Filter: '/DCTDecode' }, data: canvas.encodeSync('jpeg', quality) };
}

/** JPEG 2000 by opj_compress (libopenjp2-tools) at about 1/`ratio` of the raw size. */
export function jpxImage(canvas: Canvas, ratio: number, scratch: string): EncodedImage {
  const { width, height, data } = toRgb(canvas);
  const [source, target] = [join(scratch, 'image.ppm'), join(scratch, 'image.jp2')];
  writeFileSync(source, Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]));
  execFileSync('opj_compress', ['-i', source, '-o', target, '-r', String(ratio)], { stdio: 'ignore' });
  return { dictionary: { Width: width, Height: height, Filter: '/JPXDecode' }, data: readFileSync(target) };
}

/** A 1-bit picture by CCITT group 4 (ITU-T T.6). */
export function ccittImage(raw: Raw, scratch: string): EncodedImage {
  const { width, height } = raw;
  const base = { Width: width, Height: height, ColorSpace: '/DeviceGray', BitsPerComponent: 1 };
  const parameters = { K: -1, Columns: width, Rows: height };
  return {
    dictionary: { ...base, Filter: '/CCITTFaxDecode', DecodeParms: parameters },
    data: compressG4(raw, scratch),
  };
}

/** A 1-bit picture by JBIG2 (ITU-T T.88): one generic region, coded by MMR, which is the same code as group 4. */
export function jbig2Image(raw: Raw, scratch: string): EncodedImage {
  return jbig2Stream(raw, Buffer.concat([Buffer.from([1]), compressG4(raw, scratch)]));
}

/** The same by the arithmetic coder, with the largest template (T.88, 6.2.5.3) and its adaptive pixels where it has them. */
export function jbig2ArithmeticImage(raw: Raw): EncodedImage {
  const flagsAndAdaptivePixels = Buffer.from([0, 3, -1, -3, -1, 2, -2, -2, -2]);
  return jbig2Stream(raw, Buffer.concat([flagsAndAdaptivePixels, codeArithmetically(raw)]));
}

function jbig2Stream({ width, height }: Raw, region: Buffer): EncodedImage {
  const page = Buffer.alloc(19);
  page.writeUInt32BE(width, 0);
  page.writeUInt32BE(height, 4);
  const place = Buffer.alloc(17);
  place.writeUInt32BE(width, 0);
  place.writeUInt32BE(height, 4);
  const data = Buffer.concat([segment(0, 48, page), segment(1, 38, Buffer.concat([place, region]))]);
  const base = { Width: width, Height: height, ColorSpace: '/DeviceGray', BitsPerComponent: 1 };
  return { dictionary: { ...base, Filter: '/JBIG2Decode' }, data };
}

/** Each pixel by the five above it two rows up, the seven one row up, and the four before it. */
function codeArithmetically({ width, height, data }: Raw): Buffer {
  const coder = new MqCoder(65_536);
  const rowBytes = Math.ceil(width / 8);
  const at = (x: number, y: number) =>
    x >= 0 && x < width && y >= 0 ? ((data[y * rowBytes + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1 : 0;
  for (let y = 0; y < height; y++) {
    let above2 = (at(0, y - 2) << 1) | at(1, y - 2);
    let above1 = (at(0, y - 1) << 2) | (at(1, y - 1) << 1) | at(2, y - 1);
    let before = 0;
    for (let x = 0; x < width; x++) {
      above2 = ((above2 << 1) | at(x + 2, y - 2)) & 31;
      above1 = ((above1 << 1) | at(x + 3, y - 1)) & 127;
      const bit = at(x, y);
      coder.encode((above2 << 11) | (above1 << 4) | before, bit);
      before = ((before << 1) | bit) & 15;
    }
  }
  return coder.finish();
}

/** A segment header (T.88, 7.2) that refers to no other segment, and its data. */
function segment(number: number, type: number, data: Buffer): Buffer {
  const header = Buffer.alloc(11);
  header.writeUInt32BE(number, 0);
  header[4] = type;
  header[6] = 1;
  header.writeUInt32BE(data.length, 7);
  return Buffer.concat([header, data]);
}

/** tiffcp (libtiff-tools) does the coding; what it writes is a TIFF with all rows in one strip. */
function compressG4(raw: Raw, scratch: string): Buffer {
  const [source, target] = [join(scratch, 'scan.tif'), join(scratch, 'scan-g4.tif')];
  writeFileSync(source, tiff(raw));
  execFileSync('tiffcp', ['-c', 'g4', '-r', String(raw.height), source, target]);
  const coded = readFileSync(target);
  return coded.subarray(field(coded, 273), field(coded, 273) + field(coded, 279));
}

/** A bilevel TIFF (TIFF 6.0, section 4), white is zero, uncompressed. */
function tiff({ width, height, data }: Raw): Buffer {
  const fields = [
    [256, width],
    [257, height],
    [258, 1],
    [259, 1],
    [262, 0],
    [273, 8],
    [277, 1],
    [278, height],
    [279, data.length],
  ] as const;
  const header = Buffer.from('II*\0\0\0\0\0', 'latin1');
  header.writeUInt32LE(8 + data.length, 4);
  const directory = Buffer.alloc(2 + fields.length * 12 + 4);
  directory.writeUInt16LE(fields.length, 0);
  for (const [index, [tag, value]] of fields.entries()) {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(4, at + 2);
    directory.writeUInt32LE(1, at + 4);
    directory.writeUInt32LE(value, at + 8);
  }
  return Buffer.concat([header, data, directory]);
}

/** The value of a field in a little-endian TIFF's first directory. */
function field(file: Buffer, tag: number): number {
  const directory = file.readUInt32LE(4);
  for (let index = 0; index < file.readUInt16LE(directory); index++) {
    const at = directory + 2 + index * 12;
    if (file.readUInt16LE(at) !== tag) continue;
    const isShort = file.readUInt16LE(at + 2) === 3;
    return isShort ? file.readUInt16LE(at + 8) : file.readUInt32LE(at + 8);
  }
  throw new Error(`the TIFF has no field ${tag}`);
}
