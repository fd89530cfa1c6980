import { AppError } from '../core/errors.ts';
import { readDocumentInto } from './document-file.ts';
import { addLinkBorders } from './pdfium-annotations.ts';
import type { Pdfium, Pointer } from './pdfium-calls.ts';
import { allocate, allocateStruct } from './pdfium-memory.ts';
import { passwordError } from './refusals.ts';

/** What FPDF_GetLastError says. */
const PASSWORD_ERROR = 4;
const REASONS: Readonly<Record<number, string>> = {
  2: 'it cannot be read',
  3: 'it is no PDF, or damaged beyond repair',
  5: 'its kind of encryption is not supported',
};

/** FPDF_FORMFILLINFO: the version and some forty callbacks, none of which is needed to draw. */
const FORM_INFO_VERSION = 2;
const FORM_INFO_WORDS = 64;

/** A file that is to be opened. */
export interface Source {
  readonly path: string;
  readonly password: string | undefined;
}

/** A piece of the library's memory. */
interface Piece {
  readonly pointer: Pointer;
  readonly bytes: number;
}

const NOTHING: Piece = { pointer: 0, bytes: 0 };

/** An open document, its form, and the page that was asked for last, in one instance of the library. */
export class PdfiumSession implements Disposable {
  readonly pdfium: Pdfium;
  readonly pageCount: number;
  /** PDFium takes every unit for 1/72 inch. */
  readonly hasUserUnit: boolean;
  /** 0: the document has no form. */
  readonly form: Pointer;
  /** Of the fonts that it has asked the system for: their text is empty space. */
  readonly missingCharsets = new Set<number>();
  readonly #resources = new DisposableStack();
  readonly #document: Pointer;
  #pixels: Piece = NOTHING;
  #picture: Buffer | undefined;
  #page: { readonly number: number; readonly pointer: Pointer } | undefined;

  /** Errors: `invalid_pdf`, `password_required`, `too_large`. */
  constructor(pdfium: Pdfium, source: Source) {
    this.pdfium = pdfium;
    using opening = new DisposableStack();
    pdfium.missingCharsets = this.missingCharsets;
    const { pointer, bytes } = loadFile(pdfium, source.path, opening);
    const content = pdfium.view(pointer, bytes);
    this.hasUserUnit = content.includes('/UserUnit');
    pdfium.release(content);
    this.#document = openDocument(pdfium, { pointer, bytes, password: source.password }, opening);
    this.pageCount = pdfium.calls.FPDF_GetPageCount(this.#document);
    if (this.pageCount < 1) throw new AppError('invalid_pdf', 'the document has no pages');
    this.form = openForm(pdfium, this.#document, opening);
    this.#resources = opening.move();
  }

  /** The page's handle, valid until another page is asked for. Error: `invalid_pdf`. */
  load(number: number): Pointer {
    this.pdfium.missingCharsets = this.missingCharsets;
    if (this.#page?.number === number) return this.#page.pointer;
    this.#closePage();
    const { calls } = this.pdfium;
    const pointer = calls.FPDF_LoadPage(this.#document, number - 1);
    if (pointer === 0) throw new AppError('invalid_pdf', `page ${number} cannot be read`);
    this.#page = { number, pointer };
    addLinkBorders(this.pdfium, pointer);
    if (this.form !== 0) calls.FORM_OnAfterLoadPage(pointer, this.form);
    return pointer;
  }

  /** At least so many bytes for pixels, the same ones as last time where they suffice; 0: there is no memory. */
  pixels(bytes: number): Pointer {
    this.#releasePicture();
    if (bytes <= this.#pixels.bytes) return this.#pixels.pointer;
    const { calls } = this.pdfium;
    calls.free(this.#pixels.pointer);
    const pointer = calls.malloc(bytes);
    this.#pixels = pointer === 0 ? NOTHING : { pointer, bytes };
    return pointer;
  }

  /** The pixels that were asked for last, until some are asked for again. */
  picture(bytes: number): Buffer {
    this.#picture = this.pdfium.view(this.#pixels.pointer, bytes);
    return this.#picture;
  }

  [Symbol.dispose](): void {
    this.#closePage();
    this.#releasePicture();
    this.pdfium.calls.free(this.#pixels.pointer);
    this.#pixels = NOTHING;
    this.#resources.dispose();
  }

  #releasePicture(): void {
    if (this.#picture) this.pdfium.release(this.#picture);
    this.#picture = undefined;
  }

  #closePage(): void {
    const page = this.#page;
    if (page === undefined) return;
    this.#page = undefined;
    if (this.form !== 0) this.pdfium.calls.FORM_OnBeforeClosePage(page.pointer, this.form);
    this.pdfium.calls.FPDF_ClosePage(page.pointer);
  }
}

/** Until `resources` are disposed of. */
function allocateIn({ calls }: Pdfium, bytes: number, resources: DisposableStack): Pointer {
  const pointer = allocate(calls, bytes);
  resources.defer(() => calls.free(pointer));
  return pointer;
}

function loadFile(pdfium: Pdfium, path: string, resources: DisposableStack): Piece {
  let loaded = NOTHING;
  using views = new DisposableStack();
  readDocumentInto(path, (bytes) => {
    loaded = { pointer: allocateIn(pdfium, bytes, resources), bytes };
    return views.adopt(pdfium.view(loaded.pointer, bytes), pdfium.release);
  });
  return loaded;
}

function openDocument(
  pdfium: Pdfium,
  { pointer, bytes, password }: Piece & Pick<Source, 'password'>,
  resources: DisposableStack,
): Pointer {
  const { calls } = pdfium;
  let secret = 0;
  if (password !== undefined) {
    const content = Buffer.from(`${password}\0`);
    secret = allocateIn(pdfium, content.length, resources);
    pdfium.view(secret, content.length).set(content);
  }
  const document = calls.FPDF_LoadMemDocument(pointer, bytes, secret);
  if (document === 0) {
    const error = calls.FPDF_GetLastError();
    if (error === PASSWORD_ERROR) throw passwordError(password !== undefined);
    throw new AppError('invalid_pdf', `the file cannot be read as a PDF: ${REASONS[error] ?? `error ${error}`}`);
  }
  resources.defer(() => calls.FPDF_CloseDocument(document));
  return document;
}

/** Without a form environment fields are drawn only where the document carries their pictures. */
function openForm(pdfium: Pdfium, document: Pointer, resources: DisposableStack): Pointer {
  const { calls } = pdfium;
  if (calls.FPDF_GetFormType(document) === 0) return 0;
  const info = allocateStruct(pdfium, FORM_INFO_VERSION, FORM_INFO_WORDS);
  resources.defer(() => calls.free(info));
  const form = calls.FPDFDOC_InitFormFillEnvironment(document, info);
  if (form === 0) return 0;
  resources.defer(() => calls.FPDFDOC_ExitFormFillEnvironment(form));
  calls.FPDF_RemoveFormFieldHighlight(form);
  return form;
}
