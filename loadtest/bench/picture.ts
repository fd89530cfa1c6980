import { readFile } from 'node:fs/promises';

/** Straight RGBA, rows top down. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A binary PPM, as pdftoppm writes it. */
export async function readPpm(path: string): Promise<Picture> {
  const bytes = await readFile(path);
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.toString('latin1', 0, 100));
  if (!header) throw new Error(`${path} is no PPM of 8 bits`);
  const [width, height] = [Number(header[1]), Number(header[2])];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let from = header[0].length, to = 0; to < data.length; from += 3, to += 4) {
    data[to] = bytes[from] ?? 0;
    data[to + 1] = bytes[from + 1] ?? 0;
    data[to + 2] = bytes[from + 2] ?? 0;
  }
  return { width, height, data };
}

/** Mean absolute difference of the colours, 0 to 255; NaN: their sizes differ by more than rounding. */
export function difference(left: Picture, right: Picture): number {
  if (Math.abs(left.width - right.width) > 1 || Math.abs(left.height - right.height) > 1) return Number.NaN;
  const [width, height] = [Math.min(left.width, right.width), Math.min(left.height, right.height)];
  let sum = 0;
  for (let row = 0; row < height; row++) {
    const [from, to] = [row * left.width * 4, row * right.width * 4];
    for (let index = 0; index < width * 4; index++) {
      sum += Math.abs((left.data[from + index] ?? 0) - (right.data[to + index] ?? 0));
    }
  }
  // Alpha is opaque in both and adds nothing.
  return sum / (width * height * 3);
}

/** Pictures in a row, each cut to `side` pixels, missing ones left gray. */
export function besideEachOther(pictures: readonly (Picture | undefined)[], side: number): Picture {
  const width = pictures.length * (side + GAP);
  const data = new Uint8Array(width * (side + GAP) * 4).fill(GRAY);
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  for (const [index, picture] of pictures.entries()) {
    if (!picture) continue;
    const shown = Math.min(picture.width, side);
    for (let row = 0; row < Math.min(picture.height, side); row++) {
      const from = row * picture.width * 4;
      data.set(picture.data.subarray(from, from + shown * 4), (row * width + index * (side + GAP)) * 4);
    }
  }
  return { width, height: side + GAP, data };
}

const GAP = 6;
const GRAY = 160;

/** Rows of one width under each other. */
export function underEachOther(rows: readonly Picture[]): Picture {
  const data = new Uint8Array(Buffer.concat(rows.map((row) => row.data)));
  return { width: rows[0]?.width ?? 0, height: rows.reduce((sum, { height }) => sum + height, 0), data };
}
