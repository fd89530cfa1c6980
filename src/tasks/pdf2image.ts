import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { ImageFormat, RasterDocument } from '../raster/raster.ts';
import { PAGE_RANGES, parsePageRanges } from './page-ranges.ts';
import { defineTask, type PartResult, type TaskContext } from './task.ts';

const DEFAULT_DPI = 200;
const POINTS_PER_INCH = 72;
const MAX_SIDE = 30_000;

const MEDIA_TYPES: Readonly<Record<ImageFormat, string>> = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' };

const inputSchema = z
  .strictObject({
    dpi: z.number().min(1).max(2400).optional().describe('dots per inch; default 200'),
    width: z.int().min(1).max(MAX_SIDE).optional().describe('pixels; instead of dpi, the height follows'),
    height: z.int().min(1).max(MAX_SIDE).optional().describe('pixels; instead of dpi, the width follows'),
    pages: z
      .string()
      .max(1000)
      .regex(PAGE_RANGES, 'expected numbers and ranges as in 1-3,7')
      .optional()
      .describe('such as 1-3,7; default all'),
    format: z.enum(['png', 'jpeg', 'webp']).default('png'),
    quality: z.int().min(1).max(100).default(85).describe('of jpeg and webp'),
    level: z.enum(['fast', 'small']).default('fast').describe('of png: fast to make, or small to keep'),
    grayscale: z.boolean().default(false),
    transparent: z.boolean().default(false).describe('no white paper; png and webp only'),
    password: z.string().max(1000).optional().describe('of an encrypted document'),
    text: z.boolean().default(false).describe("also extract each page's text"),
  })
  .refine((input) => input.dpi === undefined || (input.width === undefined && input.height === undefined), {
    message: 'give dpi, or width and height, not both',
    path: ['dpi'],
  })
  .refine((input) => !(input.transparent && input.format === 'jpeg'), {
    message: 'jpeg knows no transparency; use png or webp',
    path: ['transparent'],
  });

const FILES = { document: { kind: 'pdf', mayBeDamaged: true } } as const;

type Input = z.output<typeof inputSchema>;
type Context = TaskContext<typeof FILES>;

const pageSchema = z.object({
  page: z.int(),
  width: z.int().describe('pixels'),
  height: z.int().describe('pixels'),
  bytes: z.int(),
  media_type: z.string(),
  engine: z.string().optional().describe('which one drew it: pdfium or pdfjs'),
  url: z.string().describe('of the image'),
  text: z.string().optional().describe('of the page, where it was asked for'),
});

const resultSchema = z.object({ page_count: z.int(), pages: z.array(pageSchema) });

/** `url` is relative to the job. */
type PageImage = z.output<typeof pageSchema>;

async function plan(input: Input, context: Context): Promise<number[]> {
  const document = await openDocument(input, context);
  const pages = parsePageRanges(input.pages, document.pageCount);
  const { maxPages } = context.raster;
  if (pages.length > maxPages) {
    throw new AppError(
      'too_many_pages',
      `${pages.length} pages are asked for, the limit is ${maxPages}; choose some with pages=1-${maxPages}`,
    );
  }
  return pages;
}

async function renderPage(input: Input, page: number, context: Context): Promise<PartResult<PageImage>> {
  const document = await openDocument(input, context);
  const { encode, maxPixels } = context.raster;
  const scale = await chooseScale(input, document, page);
  const bitmap = await document.render(page, { scale, transparent: input.transparent, maxPixels });
  context.signal.throwIfAborted();
  const { format, quality, level, grayscale } = input;
  const bytes = await encode(bitmap, { format, quality, level, grayscale });
  const file = `page-${page}.${format}`;
  await writeFile(join(context.scratchDir, file), bytes);
  const text = input.text ? { text: await document.text(page) } : {};
  const mediaType = MEDIA_TYPES[format];
  const { width, height, engine } = bitmap;
  return {
    value: { page, width, height, bytes: bytes.length, media_type: mediaType, engine, url: `pages/${page}`, ...text },
    outputs: [{ file, key: `pages/${page}`, mediaType, sha256: createHash('sha256').update(bytes).digest('hex') }],
  };
}

function openDocument({ password }: Input, context: Context): Promise<RasterDocument> {
  return context.raster.open(context.files.document.path, password === undefined ? {} : { password });
}

/** Pixels per point so that the page fits into width and height where they are given, else by dpi. */
async function chooseScale(input: Input, document: RasterDocument, page: number): Promise<number> {
  if (input.width === undefined && input.height === undefined) return (input.dpi ?? DEFAULT_DPI) / POINTS_PER_INCH;
  const size = await document.pageSize(page);
  const across = input.width === undefined ? Number.POSITIVE_INFINITY : input.width / size.width;
  const down = input.height === undefined ? Number.POSITIVE_INFINITY : input.height / size.height;
  return Math.min(across, down);
}

/** The headline job: every chosen page of a PDF as an image, each ready as soon as it is drawn. */
export default defineTask({
  name: 'pdf2image',
  description: 'Renders the pages of a PDF to images',
  version: '1',
  files: FILES,
  input: inputSchema,
  result: resultSchema,
  plan,
  part: renderPage,
  combine: (pages: readonly PageImage[]) => ({ page_count: pages.length, pages }),
});
