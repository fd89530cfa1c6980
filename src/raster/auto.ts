import { AppError } from '../core/errors.ts';
import type {
  Bitmap,
  CriticalDocument,
  CriticalEngine,
  PageSize,
  RasterDocument,
  RasterEngine,
  RenderOptions,
} from './raster.ts';

/** The first engine, and the second for the documents and pages that the first cannot draw or should not. */
export function createAutoEngine(first: CriticalEngine, second: () => Promise<RasterEngine>): RasterEngine {
  return {
    name: 'auto',
    open: async (path, options) => {
      const openSecond = async () => (await second()).open(path, options);
      try {
        return new AutoDocument(await first.open(path, options), openSecond);
      } catch (error) {
        if (!(error instanceof AppError) || isFinal(error, options.password)) throw error;
        return await openSecond();
      }
    },
  };
}

/** What the second engine would say as well. A password may be wrong for one and right for the other. */
function isFinal({ code }: AppError, password: string | undefined): boolean {
  return code === 'too_large' || (code === 'password_required' && password === undefined);
}

/** The second engine knows more of page sizes: damaged boxes, UserUnit. Too large for it is too large. */
function isWorthTrying({ code }: AppError, isSecondAskedFirst: boolean): boolean {
  return code === 'invalid_pdf' || (code === 'page_too_large' && !isSecondAskedFirst);
}

class AutoDocument implements RasterDocument {
  readonly pageCount: number;
  readonly #first: CriticalDocument;
  readonly #openSecond: () => Promise<RasterDocument>;
  #second: Promise<RasterDocument> | undefined;

  constructor(first: CriticalDocument, openSecond: () => Promise<RasterDocument>) {
    this.pageCount = first.pageCount;
    this.#first = first;
    this.#openSecond = openSecond;
  }

  async pageSize(page: number): Promise<PageSize> {
    return this.#either((document) => document.pageSize(page), await this.#isConcerned(page));
  }

  async render(page: number, options: RenderOptions): Promise<Bitmap> {
    const draw = (document: RasterDocument) => document.render(page, options);
    return this.#either(draw, await this.#isConcerned(page));
  }

  text(page: number): Promise<string> {
    return this.#either((document) => document.text(page));
  }

  async close(): Promise<void> {
    const second = await this.#second?.catch(() => undefined);
    await Promise.all([this.#first.close(), second?.close()]);
  }

  /** A page that the first engine cannot even look at: the drawing says so. */
  async #isConcerned(page: number): Promise<boolean> {
    try {
      return (await this.#first.concern(page)) !== undefined;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
  }

  /** Where both fail the error is that of the one asked first: it is the one that should have done it. */
  async #either<T>(use: (document: RasterDocument) => Promise<T>, isSecondAskedFirst = false): Promise<T> {
    const [one, other] = [() => this.#first, () => this.#openedSecond()];
    const [asked, spare] = isSecondAskedFirst ? [other, one] : [one, other];
    try {
      return await use(await asked());
    } catch (error) {
      if (!(error instanceof AppError) || !isWorthTrying(error, isSecondAskedFirst)) throw error;
      return await orElse(async () => use(await spare()), error);
    }
  }

  #openedSecond(): Promise<RasterDocument> {
    this.#second ??= this.#openSecond();
    return this.#second;
  }
}

async function orElse<T>(use: () => Promise<T>, failed: AppError): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof AppError) throw failed;
    throw error;
  }
}
