import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import {
  AnnotationMode,
  getDocument,
  PasswordResponses,
  type PDFDocumentLoadingTask,
  type PDFDocumentProxy,
  type PDFPageProxy,
} from 'pdfjs-dist/legacy/build/pdf.mjs';
import { AppError } from '../core/errors.ts';
import { isBlank } from './blank.ts';
import { readDocument } from './document-file.ts';
import { createFaultFinder, type FindFault } from './pdfjs-fault.ts';
import { registerFallbackFonts } from './pdfjs-fonts.ts';
import { type DocumentOptions, documentOptions, packageFolder } from './pdfjs-options.ts';
import type { Bitmap, PageSize, RasterDocument, RasterEngine, RenderOptions } from './raster.ts';
import { assertArea, assertPage, noMemory, passwordError, pixelSize } from './refusals.ts';

/** The engine of Mozilla's viewer: widest coverage of odd files, draws in this thread. */
export function createPdfjsEngine(): RasterEngine {
  registerFallbackFonts(packageFolder('standard_fonts'));
  const findFault = createFaultFinder();
  return {
    name: 'pdfjs',
    open: async (path, { password }) => {
      const options = documentOptions(password);
      const task = getDocument({ ...options, data: await readDocument(path) });
      try {
        return new PdfjsDocument(task, await task.promise, { path, options, findFault });
      } catch (error) {
        await task.destroy();
        throw openError(error);
      }
    },
  };
}

/** What it takes to look at a page a second time. */
interface Source {
  readonly path: string;
  readonly options: DocumentOptions;
  readonly findFault: FindFault;
}

class PdfjsDocument implements RasterDocument {
  readonly pageCount: number;
  readonly #task: PDFDocumentLoadingTask;
  readonly #document: PDFDocumentProxy;
  readonly #source: Source;

  constructor(task: PDFDocumentLoadingTask, document: PDFDocumentProxy, source: Source) {
    if (document.numPages < 1) throw new AppError('invalid_pdf', 'the document has no pages');
    this.pageCount = document.numPages;
    this.#task = task;
    this.#document = document;
    this.#source = source;
  }

  pageSize(page: number): Promise<PageSize> {
    return this.#withPage(page, async (proxy) => sizeOf(proxy, page));
  }

  render(page: number, options: RenderOptions): Promise<Bitmap> {
    return this.#withPage(page, async (proxy) => {
      const { width, height } = pixelSize(sizeOf(proxy, page), page, options);
      const data = await drawPage(proxy, { width, height }, options);
      const bitmap = { width, height, data, isOpaque: !options.transparent, engine: 'pdfjs' };
      if (isBlank(bitmap)) await this.#assertMeantBlank(page);
      return bitmap;
    });
  }

  text(page: number): Promise<string> {
    return this.#withPage(page, async (proxy) => {
      const { items } = await proxy.getTextContent();
      return items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
    });
  }

  async close(): Promise<void> {
    await this.#task.destroy();
  }

  /** pdf.js skips what it cannot decode with no more than a log line, so a blank page is looked at again, strictly. */
  async #assertMeantBlank(page: number): Promise<void> {
    const { path, options, findFault } = this.#source;
    const fault = await findFault({ ...options, data: await readDocument(path) }, page);
    if (fault !== undefined) {
      throw new AppError('invalid_pdf', `page ${page} comes out blank because a part of it cannot be drawn: ${fault}`);
    }
  }

  async #withPage<T>(page: number, use: (proxy: PDFPageProxy) => Promise<T>): Promise<T> {
    assertPage(page, this.pageCount);
    let proxy: PDFPageProxy | undefined;
    try {
      proxy = await this.#document.getPage(page);
      return await use(proxy);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('invalid_pdf', `page ${page} cannot be drawn: ${reasonOf(error)}`, { cause: error });
    } finally {
      // Decoded images of a page stay in memory until this (mozilla/pdf.js#11645).
      proxy?.cleanup();
    }
  }
}

function openError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  if (error.name === 'PasswordException') {
    return passwordError('code' in error && error.code === PasswordResponses.INCORRECT_PASSWORD, error);
  }
  return new AppError('invalid_pdf', `the file cannot be read as a PDF: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}

function sizeOf(proxy: PDFPageProxy, page: number): PageSize {
  const { width, height } = proxy.getViewport({ scale: 1 });
  return assertArea({ width, height }, page);
}

async function drawPage(proxy: PDFPageProxy, { width, height }: PageSize, options: RenderOptions): Promise<Uint8Array> {
  const canvas = createCanvas(width, height);
  try {
    const context = canvas.getContext('2d');
    assertAllocated(context, proxy.pageNumber);
    await paint(proxy, context, options);
    return pixelsOf(canvas, context, options.transparent);
  } finally {
    // Frees the pixels now: the collector sees only the small object that holds them.
    canvas.width = 0;
  }
}

/** A canvas whose memory could not be had draws nothing and says nothing. */
function assertAllocated(context: SKRSContext2D, page: number): void {
  context.fillStyle = '#fff';
  context.fillRect(0, 0, 1, 1);
  if (context.getImageData(0, 0, 1, 1).data[3] !== 255) {
    throw noMemory(page);
  }
  context.clearRect(0, 0, 1, 1);
}

async function paint(proxy: PDFPageProxy, context: SKRSContext2D, options: RenderOptions): Promise<void> {
  await proxy.render({
    canvas: null,
    canvasContext: context,
    viewport: proxy.getViewport({ scale: options.scale }),
    background: options.transparent ? 'rgba(0,0,0,0)' : '#fff',
    annotationMode: AnnotationMode.ENABLE,
  }).promise;
}

/** `data()` is the cheaper copy but premultiplied, which is the same only where everything is opaque. */
function pixelsOf(canvas: Canvas, context: SKRSContext2D, isTransparent: boolean): Uint8Array {
  if (!isTransparent) return canvas.data();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
