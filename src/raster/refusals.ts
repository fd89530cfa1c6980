import { AppError } from '../core/errors.ts';
import type { PageSize, RenderOptions } from './raster.ts';

/** Error: `invalid_input` unless the document has such a page. */
export function assertPage(page: number, pageCount: number): void {
  if (!Number.isInteger(page) || page < 1 || page > pageCount) {
    throw new AppError('invalid_input', `there is no page ${page}: the document has ${pageCount}`);
  }
}

/** Error: `invalid_pdf` unless the page, in points, has an area. */
export function assertArea(size: PageSize, page: number): PageSize {
  const { width, height } = size;
  if (!(width > 0 && height > 0 && Number.isFinite(width * height))) {
    throw new AppError('invalid_pdf', `page ${page} has no area: ${width} x ${height} points`);
  }
  return size;
}

/** Pixels of a page of `size` points. Error: `page_too_large`. */
export function pixelSize(size: PageSize, page: number, { scale, maxPixels }: RenderOptions): PageSize {
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  // Written so that NaN is refused too: a bitmap of NaN pixels is made by both engines, and fails without a word.
  if (!(width * height <= maxPixels)) {
    const detail = `page ${page} would have ${width} x ${height} pixels, the limit is ${maxPixels}: ask for fewer dpi`;
    throw new AppError('page_too_large', detail);
  }
  return { width, height };
}

/** The memory for the pixels could not be had. */
export function noMemory(page: number): AppError {
  return new AppError('page_too_large', `there is no memory for the pixels of page ${page}: ask for fewer dpi`);
}

/** Both engines say the same of an encrypted document. */
export function passwordError(isGiven: boolean, cause?: unknown): AppError {
  const detail = isGiven
    ? 'the document is encrypted and the password is wrong'
    : 'the document is encrypted and needs a password: give it as password';
  return new AppError('password_required', detail, { cause });
}
