import { type Canvas, createCanvas, GlobalFonts } from '@napi-rs/canvas';

/** Gray or RGB samples, 8 bits, rows top down. */
export interface Raw {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

/** Numbers from 0 to 1 that only depend on the seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A reservoir between hills under an evening sky: gradients, fine noise and hard edges, like a photograph. */
export function paintLandscape(width: number, height: number, seed: number): Canvas {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const noise = createNoise(seed);
  const grain = createRandom(seed + 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = landscapeAt(x / height, y / height, noise);
      const speck = (grain() - 0.5) * 10;
      image.data.set([red + speck, green + speck, blue + speck, 255], (y * width + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export type Noise = (x: number, y: number) => number;

function landscapeAt(x: number, y: number, noise: Noise): [number, number, number] {
  const horizon = 0.58;
  const isWater = y > horizon;
  const up = isWater ? 2 * horizon - y + (noise(x * 14, y * 90) - 0.5) * 0.03 : y;
  const far = horizon - 0.06 - 0.2 * layers(noise, x * 2.1, 0.5);
  const near = horizon - 0.16 * layers(noise, x * 3.3 + 20, 7.5);
  const shade = isWater ? 0.72 : 1;
  const color = up > near ? hillside(x, up, noise) : up > far ? ridge(up, far) : sky(x, up, noise);
  return [color[0] * shade, color[1] * shade, color[2] * shade + (isWater ? 18 : 0)];
}

function hillside(x: number, y: number, noise: Noise): [number, number, number] {
  const leaves = layers(noise, x * 30, y * 45);
  return [34 + 60 * leaves, 52 + 74 * leaves, 30 + 26 * leaves];
}

function ridge(y: number, top: number): [number, number, number] {
  const haze = Math.min(1, (y - top) * 5);
  return [92 + 70 * haze, 104 + 62 * haze, 138 + 36 * haze];
}

function sky(x: number, y: number, noise: Noise): [number, number, number] {
  const glow = Math.exp(-((x - 1) ** 2 + (y - 0.34) ** 2) * 12);
  const isSun = (x - 1) ** 2 + (y - 0.3) ** 2 < 0.0022;
  const cloud = Math.max(0, layers(noise, x * 3, y * 9 + 3) - 0.52) * 1.6;
  if (isSun) return [255, 240, 200];
  return [
    88 + 150 * y + 90 * glow + 110 * cloud,
    128 + 90 * y + 60 * glow + 90 * cloud,
    190 - 20 * y + 20 * glow + 50 * cloud,
  ];
}

export function layers(noise: Noise, x: number, y: number): number {
  return (noise(x, y) * 8 + noise(x * 2, y * 2) * 4 + noise(x * 4, y * 4) * 2 + noise(x * 8, y * 8)) / 15;
}

/** Value noise on a 256 by 256 grid, smooth in between. */
export function createNoise(seed: number): Noise {
  const random = createRandom(seed);
  const grid = Float32Array.from({ length: 65_536 }, random);
  const at = (x: number, y: number) => grid[((y & 255) << 8) | (x & 255)] ?? 0;
  return (x, y) => {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [u, v] = [smooth(x - left), smooth(y - top)];
    const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
    const lower = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u;
    return upper * (1 - v) + lower * v;
  };
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

export interface ScanOptions {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly lines: readonly string[];
  readonly seed: number;
  /** Height of a line's letters in pixels. */
  readonly size: number;
}

/** A typed letter as an office scanner sees it: slightly crooked, ragged edges, dust. 1 bit a pixel, 1 is black. */
export function paintScan(options: ScanOptions): Raw {
  const { width, height, seed } = options;
  const canvas = paintLetter(options);
  const pixels = canvas.data();
  const random = createRandom(seed);
  const rowBytes = Math.ceil(width / 8);
  const data = Buffer.alloc(rowBytes * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = (pixels[(y * width + x) * 4] ?? 255) + (random() - 0.5) * 90;
      const isDust = random() < 0.00002;
      if (light >= 128 && !isDust) continue;
      const at = y * rowBytes + (x >> 3);
      data[at] = (data[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return { width, height, data };
}

function paintLetter({ width, height, title, lines, size }: ScanOptions): Canvas {
  GlobalFonts.registerFromPath('/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf', 'Scan Serif');
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.rotate(0.004);
  context.fillStyle = '#000';
  const margin = width * 0.11;
  if (title !== '') {
    context.font = `${size * 1.6}px "Scan Serif"`;
    context.fillText(title, margin, height * 0.1);
    context.fillRect(margin, height * 0.112, width * 0.78, size / 10);
  }
  if (lines.length === 0) return canvas;
  context.font = `${size}px "Scan Serif"`;
  for (const [index, line] of lines.entries()) context.fillText(line, margin, height * 0.15 + index * size * 1.5);
  context.lineWidth = size / 8;
  context.beginPath();
  // A signature.
  context.moveTo(margin, height * 0.9);
  context.bezierCurveTo(
    margin + size * 4,
    height * 0.84,
    margin + size * 3,
    height * 0.94,
    margin + size * 7,
    height * 0.88,
  );
  context.bezierCurveTo(
    margin + size * 9,
    height * 0.86,
    margin + size * 8,
    height * 0.92,
    margin + size * 13,
    height * 0.89,
  );
  context.stroke();
  return canvas;
}

/** RGB without alpha, as image decoders outside want it. */
export function toRgb(canvas: Canvas): Raw {
  const { width, height } = canvas;
  const pixels = canvas.data();
  const data = Buffer.alloc(width * height * 3);
  for (let index = 0; index < width * height; index++) pixels.copy(data, index * 3, index * 4, index * 4 + 3);
  return { width, height, data };
}
