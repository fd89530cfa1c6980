import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { complaintsOfPngcheck, decodeByPngjs, decodeBySharp, formatOf } from './foreign-decoders.ts';
import { type Painter, type Picture, paint, pictures } from './pictures.ts';
import { loadPngEncoder, type PixelLayout, type PngEncoder, type PngOptions } from './png.js';

const LEVELS = ['fast', 'small'] as const;
const LAYOUTS: readonly PixelLayout[] = ['rgba', 'bgra', 'rgbx', 'bgrx', 'rgb', 'bgr', 'gray'];
const isStrict = process.env.REQUIRE_ALL === '1';

const loaded = loadPngEncoder();
const missing = 'reason' in loaded ? loaded.reason : undefined;

function encoder(): PngEncoder {
  if ('reason' in loaded) throw new Error(loaded.reason);
  return loaded;
}

/** Encodes and has two foreign decoders agree with the picture; gives the file. */
async function roundTrip({ source, pixels }: Picture, options: PngOptions): Promise<Buffer> {
  const png = encoder().encode(source, options);
  for (const decoded of [decodeByPngjs(png), await decodeBySharp(png)]) {
    assert.equal(`${decoded.width}x${decoded.height}`, `${source.width}x${source.height}`);
    assert.ok(decoded.pixels.equals(pixels), 'decoded pixels differ');
  }
  return png;
}

/** A cheap hash: noise that is the same in every run. */
const noise = (x: number, y: number): number => (Math.imul(x * 0x1f1f + y * 0x3ab5 + 1, 0x9e3779b1) >>> 16) & 0xff;
const gray = (level: number, alpha = 255) => [level, level, level, alpha] as const;

const formats: ReadonlyArray<readonly [format: string, painter: Painter, detail?: string]> = [
  ['gray1', (x, y) => gray(noise(x, y) & 1 ? 255 : 0)],
  ['gray2', (x, y) => gray((noise(x, y) & 3) * 0x55)],
  ['gray4', (x, y) => gray((noise(x, y) & 15) * 0x11)],
  ['gray8', (x, y) => gray(noise(x, y))],
  ['palette1', (x, y) => (noise(x, y) & 1 ? [255, 0, 0, 255] : [9, 9, 9, 255])],
  ['palette2', (x, y) => [noise(x, y) & 3, 200, 3, 255]],
  ['palette4', (x, y) => [noise(x, y) & 15, 200, 3, 255]],
  ['palette8', (x, y) => [noise(x, y), 200, 3, 255]],
  ['palette8', (x, y) => [0, 0, 0, noise(x, y)], ' with transparency'],
  ['gray-alpha8', (x, y) => gray(noise(x, y), noise(y, x + 99))],
  ['rgb8', (x, y) => [noise(x, y), noise(y, x), noise(x + y, x), 255]],
  ['rgba8', (x, y) => [noise(x, y), noise(y, x), noise(x + y, x), noise(x, 9)]],
];

suite('native PNG encoder', { skip: missing !== undefined && !isStrict ? missing : false }, () => {
  for (const level of LEVELS) {
    for (const [format, painter, detail = ''] of formats) {
      test(`${level}: pixels that fit ${format}${detail} are written so and come back`, async () => {
        const png = await roundTrip(paint('bgra', { width: 67, height: 61 }, painter), { level });
        assert.equal(formatOf(png), format);
      });
    }

    test(`${level}: odd sizes, single pixels and every layout come back`, async () => {
      for (const layout of LAYOUTS) {
        for (const [width, height] of [
          [1, 1],
          [1, 9],
          [9, 1],
          [3, 3],
          [17, 5],
          [33, 31],
        ] as const) {
          const painter: Painter = (x, y) => [noise(x, y), noise(y, x + 5), noise(x, x), noise(y, y)];
          await roundTrip(paint(layout, { width, height, padding: width % 5 }, painter), { level });
        }
      }
    });

    test(`${level}: any picture comes back`, async () => {
      await fc.assert(
        fc.asyncProperty(pictures, async (picture) => {
          await roundTrip(picture, { level });
        }),
        { numRuns: 150 },
      );
    });

    test(`${level}: rows longer than a segment and pages of many segments come back`, async () => {
      const speck: Painter = (x, y) => (noise(x >> 3, y >> 2) < 20 ? [noise(x, y), 0, 90, 255] : [255, 255, 255, 255]);
      await roundTrip(paint('rgba', { width: 200_000, height: 3 }, speck), { level });
      await roundTrip(paint('bgrx', { width: 700, height: 900 }, speck), { level });
      await roundTrip(
        paint('bgrx', { width: 500, height: 400 }, (x, y) => [x & 255, y & 255, ((x + y) >> 2) & 255, 255]),
        { level },
      );
    });
  }

  test('pngcheck finds nothing wrong with any format', (context) => {
    for (const [format, painter] of formats) {
      const { source } = paint('rgba', { width: 40, height: 30 }, painter);
      const complaints = complaintsOfPngcheck(encoder().encode(source, { dpi: 200 }));
      if (complaints === undefined && !isStrict) return context.skip('pngcheck is not installed');
      assert.equal(complaints, '', format);
    }
  });

  test('premultiplied pixels are written straight', () => {
    const { source } = paint('bgra', { width: 256, height: 256 }, (x, y) => [
      Math.min(x, y),
      0,
      Math.min(x, y) >> 1,
      y,
    ]);
    const { pixels } = decodeByPngjs(encoder().encode({ ...source, premultiplied: true }));
    for (let at = 0, y = 0; y < 256; y++) {
      for (let x = 0; x < 256; x++, at += 4) {
        const divide = (sample: number) => (y === 0 ? 0 : Math.floor((sample * 255 + Math.floor(y / 2)) / y));
        const expected = [divide(Math.min(x, y)), 0, divide(Math.min(x, y) >> 1), y];
        if (y > 0) assert.deepEqual([...pixels.subarray(at, at + 4)], expected);
      }
    }
  });

  test('colour "gray" converts by luma, "rgb" drops alpha, "rgba" keeps what it could drop', () => {
    const { source } = paint('bgra', { width: 2, height: 1 }, (x) => (x === 0 ? [255, 0, 0, 255] : [0, 255, 0, 128]));
    const pixelsAs = (colour: 'gray' | 'rgb' | 'rgba') => {
      const png = encoder().encode(source, { colour });
      return [formatOf(png), ...decodeByPngjs(png).pixels];
    };
    assert.deepEqual(pixelsAs('gray'), ['gray-alpha8', 77, 77, 77, 255, 149, 149, 149, 128]);
    assert.deepEqual(pixelsAs('rgb'), ['rgb8', 255, 0, 0, 255, 0, 255, 0, 255]);
    assert.deepEqual(pixelsAs('rgba'), ['rgba8', 255, 0, 0, 255, 0, 255, 0, 128]);
  });

  test('dpi is written as pixels per metre', () => {
    const { source } = paint('gray', { width: 1, height: 1 }, () => gray(7));
    const png = encoder().encode(source, { dpi: 200 });
    const at = png.indexOf('pHYs');
    assert.deepEqual([png.readUInt32BE(at + 4), png.readUInt32BE(at + 8), png.readUInt8(at + 12)], [7874, 7874, 1]);
    assert.equal(encoder().encode(source).indexOf('pHYs'), -1);
  });

  test('a descriptor receives the same picture, and its errors are told by their code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'png-'));
    const path = join(folder, 'page.png');
    const picture = paint('bgrx', { width: 1000, height: 900 }, (x, y) => [
      noise(x, y),
      noise(y, x),
      noise(x + y, x),
      255,
    ]);
    const descriptor = openSync(path, 'w');
    const size = encoder().encodeTo(descriptor, picture.source);
    closeSync(descriptor);
    const written = readFileSync(path);
    rmSync(folder, { recursive: true });
    assert.equal(written.length, size);
    assert.ok(decodeByPngjs(written).pixels.equals(picture.pixels));
    assert.ok((await decodeBySharp(written)).pixels.equals(picture.pixels));
    assert.throws(() => encoder().encodeTo(descriptor, picture.source), { code: 'EBADF', syscall: 'write' });
  });

  test('a full disk is an error', { skip: process.platform === 'linux' ? false : 'needs /dev/full' }, () => {
    const descriptor = openSync('/dev/full', 'w');
    const { source } = paint('gray', { width: 9, height: 9 }, () => gray(1));
    assert.throws(() => encoder().encodeTo(descriptor, source), { code: 'ENOSPC' });
    closeSync(descriptor);
  });

  test('arguments that do not fit each other are a TypeError', () => {
    const good = { data: new Uint8Array(4 * 5 * 4), width: 5, height: 4, layout: 'rgba' } as const;
    const bad: ReadonlyArray<Record<string, unknown>> = [
      { width: 0 },
      { width: -1 },
      { width: 1.5 },
      { width: Number.NaN },
      { width: 6 },
      { width: 2 ** 28 },
      { width: '5' },
      { height: 0 },
      { height: 5 },
      { height: 2 ** 53 },
      { height: undefined },
      { stride: 19 },
      { stride: 21 },
      { stride: 2 ** 40 },
      { data: new Uint8Array(79) },
      { data: new Float64Array(80) },
      { data: [] },
      { data: null },
      { data: new ArrayBuffer(80) },
      { layout: 'cmyk' },
      { layout: '__proto__' },
      { layout: undefined },
    ];
    encoder().encode(good);
    for (const change of bad) {
      const source: typeof good = Object.assign({}, good, change);
      assert.throws(() => encoder().encode(source), TypeError, JSON.stringify(change));
    }
    const options: ReadonlyArray<Record<string, unknown>> = [
      { level: 'best' },
      { colour: 'cmyk' },
      { dpi: -1 },
      { dpi: 1e12 },
    ];
    for (const option of options)
      assert.throws(() => encoder().encode(good, option), TypeError, JSON.stringify(option));
    assert.throws(() => encoder().encodeTo(-1, good), TypeError);
    assert.throws(() => encoder().encodeTo(0.5, good), TypeError);
  });

  test('memory that was transferred away is a TypeError', () => {
    const data = new Uint8Array(16);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    assert.throws(() => encoder().encode({ data, width: 2, height: 2, layout: 'rgba' }), TypeError);
  });

  test('several threads encode the same shared memory at once', async () => {
    const { source } = paint('bgra', { width: 600, height: 500 }, (x, y) => gray(noise(x >> 2, y >> 2)));
    const data = new Uint8Array(new SharedArrayBuffer(source.data.length));
    data.set(source.data);
    const expected = encoder().encode(source);
    const module = new URL('png.js', import.meta.url).href;
    const code = `import(${JSON.stringify(module)}).then(({ loadPngEncoder }) => {
      const { parentPort, workerData } = require('node:worker_threads');
      for (let round = 0; round < 9; round++) loadPngEncoder().encode(workerData);
      const png = loadPngEncoder().encode(workerData);
      parentPort.postMessage(png, [png.buffer]);
    });`;
    const results = Array.from({ length: 3 }, async () => {
      const worker = new Worker(code, { eval: true, workerData: { ...source, data } });
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
      worker.on('message', resolve).on('error', reject);
      return promise.finally(() => worker.terminate());
    });
    for (const result of await Promise.all(results)) assert.ok(expected.equals(result));
  });
});
