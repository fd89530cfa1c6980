import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';

/** A Debian package, hence nothing that package.json could list. */
const PNGCHECK = 'pngcheck';

/** Straight RGBA, as both decoders give it. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}

export function decodeByPngjs(png: Buffer): Decoded {
  const { width, height, data } = PNG.sync.read(png, { checkCRC: true });
  return { width, height, pixels: data };
}

export async function decodeBySharp(png: Buffer): Promise<Decoded> {
  const { data, info } = await sharp(png, { failOn: 'warning' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

/** What pngcheck finds wrong; '' for nothing, undefined where it is not installed. */
export function complaintsOfPngcheck(png: Buffer): string | undefined {
  const path = join(tmpdir(), `pngcheck-${process.pid}.png`);
  writeFileSync(path, png);
  try {
    const { status, stdout, error } = spawnSync(PNGCHECK, ['-q', path], { encoding: 'utf8' });
    if (error !== undefined) return undefined;
    return status === 0 ? '' : stdout;
  } finally {
    rmSync(path);
  }
}

/** From the header alone: bits a sample, and the colour type of PNG third edition, 11.2.1. */
export function formatOf(png: Buffer): string {
  const names: Readonly<Record<number, string>> = { 0: 'gray', 2: 'rgb', 3: 'palette', 4: 'gray-alpha', 6: 'rgba' };
  return `${names[png.readUInt8(25)]}${png.readUInt8(24)}`;
}
