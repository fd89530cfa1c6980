import { AppError, systemCode } from '../core/errors.ts';
import { isBlank } from './blank.ts';
import type { PdfiumLibrary } from './pdfium-calls.ts';
import { findConcern } from './pdfium-concern.ts';
import { drawPage, readText } from './pdfium-page.ts';
import { PdfiumSession, type Source } from './pdfium-session.ts';
import type { Bitmap, CriticalDocument, CriticalEngine, PageSize, RasterEngine, RenderOptions } from './raster.ts';
import { assertArea, assertPage, pixelSize } from './refusals.ts';

/** Pixels on the longer side of the second look. */
const PREVIEW_SIDE = 64;

export type { PdfiumLibrary } from './pdfium-calls.ts';

/**
 * Chrome's engine: the fastest. It leaves out what it cannot decode without a word, so a page that comes out blank is shown
 * to `second`.
 */
export async function createPdfiumEngine(
  second: () => Promise<RasterEngine>,
  library: PdfiumLibrary,
): Promise<CriticalEngine> {
  // The library starts now, not under the first document.
  library.give(await library.take());
  return {
    name: 'pdfium',
    open: async (path, { password }) => {
      const source = { path, password };
      return new PdfiumDocument({ library, source, second, session: await openSession(library, source) });
    },
  };
}

interface DocumentParts {
  readonly library: PdfiumLibrary;
  readonly source: Source;
  readonly second: () => Promise<RasterEngine>;
  readonly session: PdfiumSession;
}

class PdfiumDocument implements CriticalDocument {
  readonly pageCount: number;
  readonly #parts: DocumentParts;
  /** undefined: the last call trapped; the next one opens the document again in a fresh instance. */
  #session: PdfiumSession | undefined;
  #isClosed = false;

  constructor(parts: DocumentParts) {
    this.pageCount = parts.session.pageCount;
    this.#parts = parts;
    this.#session = parts.session;
  }

  pageSize(page: number): Promise<PageSize> {
    return this.#withPage(page, (session) => sizeOf(session, page));
  }

  async render(page: number, options: RenderOptions): Promise<Bitmap> {
    const bitmap = await this.#withPage(page, (session) => {
      const { width, height } = pixelSize(sizeOf(session, page), page, options);
      return drawPage(session, page, { width, height, transparent: options.transparent });
    });
    if (isBlank(bitmap)) await this.#assertMeantBlank(page);
    return bitmap;
  }

  concern(page: number): Promise<string | undefined> {
    return this.#withPage(page, (session) => findConcern(session, page));
  }

  text(page: number): Promise<string> {
    return this.#withPage(page, (session) => readText(session.pdfium, session.load(page)));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session[Symbol.dispose]();
    this.#parts.library.give(session.pdfium);
  }

  /** What a trap leaves behind goes with its instance. */
  #dropSession(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session?.pdfium.isSound) session[Symbol.dispose]();
  }

  async #assertMeantBlank(page: number): Promise<void> {
    const { source, second } = this.#parts;
    const engine = await second();
    const document = await engine.open(source.path, source.password === undefined ? {} : { password: source.password });
    try {
      const { width, height } = await document.pageSize(page);
      const preview = {
        scale: PREVIEW_SIDE / Math.max(width, height),
        transparent: false,
        maxPixels: PREVIEW_SIDE ** 2,
      };
      if (isBlank(await document.render(page, preview))) return;
    } finally {
      await document.close();
    }
    throw new AppError('invalid_pdf', `page ${page} comes out blank: ${engine.name} draws something`);
  }

  async #withPage<T>(page: number, use: (session: PdfiumSession) => T): Promise<T> {
    if (this.#isClosed) throw new Error('the document is closed');
    assertPage(page, this.pageCount);
    this.#session ??= await openSession(this.#parts.library, this.#parts.source);
    try {
      return use(this.#session);
    } catch (error) {
      if (error instanceof AppError) throw error;
      this.#dropSession();
      throw new AppError('invalid_pdf', `page ${page} cannot be drawn: ${String(error)}`, { cause: error });
    }
  }
}

async function openSession(library: PdfiumLibrary, source: Source): Promise<PdfiumSession> {
  const pdfium = await library.take();
  try {
    return new PdfiumSession(pdfium, source);
  } catch (error) {
    if (!(error instanceof AppError) && systemCode(error) === undefined) {
      throw new AppError('invalid_pdf', `the file cannot be read as a PDF: ${String(error)}`, { cause: error });
    }
    library.give(pdfium);
    throw error;
  }
}

function sizeOf(session: PdfiumSession, page: number): PageSize {
  const handle = session.load(page);
  const { FPDF_GetPageWidthF, FPDF_GetPageHeightF } = session.pdfium.calls;
  return assertArea({ width: FPDF_GetPageWidthF(handle), height: FPDF_GetPageHeightF(handle) }, page);
}
