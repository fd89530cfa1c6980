import { AppError } from '../core/errors.ts';

/** The text of a page choice: numbers and ranges from 1, as in "1-3,7". */
export const PAGE_RANGES = /^\d{1,7}(-\d{0,7})?(,\d{1,7}(-\d{0,7})?)*$/;

/** "1-3,7" of a document -> [1, 2, 3, 7]: in the order given, each once; "5-" runs to the end. Error: `invalid_input`. */
export function parsePageRanges(text: string | undefined, pageCount: number): number[] {
  if (text === undefined) return Array.from({ length: pageCount }, (_, index) => index + 1);
  const pages = new Set<number>();
  for (const range of text.split(',')) {
    const [from = '', to = from] = range.split('-');
    const first = Number(from);
    const last = to === '' ? pageCount : Number(to);
    if (first < 1 || last < first || last > pageCount) {
      const has = pageCount === 1 ? 'page 1 only' : `pages 1 to ${pageCount}`;
      throw new AppError('invalid_input', `pages=${text}: ${range} is not within the document, which has ${has}`);
    }
    for (let page = first; page <= last; page++) pages.add(page);
  }
  return [...pages];
}
