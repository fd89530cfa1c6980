import type { Pdfium, Pointer } from './pdfium-calls.ts';
import { allocate } from './pdfium-memory.ts';

/** Annotations of a page that are looked at. */
const MAX_ANNOTATIONS = 1000;
const LINK = 2;
/** Free text, line, polygon and polyline: PDFium gives an appearance to all other kinds that show something. */
const BARE: ReadonlySet<number> = new Set([3, 4, 7, 8]);
/** Invisible, hidden, no view (ISO 32000-2, table 167). */
const UNSEEN = 0x01 | 0x02 | 0x20;
const COLOR = 0;
/** Room for the numbers that a call returns, and for the name of a key behind it. */
const SCRATCH_BYTES = 64;
const KEY_AT = 32;
const NO_FILL = 0;
const OPAQUE = 255;

/** Are there annotations that bring no appearance and that PDFium shows nothing of? */
export function hasBareAnnotations(pdfium: Pdfium, page: Pointer): boolean {
  if (pdfium.drawsAnnotations) return false;
  return look(pdfium, page, ({ subtype }) => BARE.has(subtype)).length > 0;
}

/**
 * Adds the borders of links to the page, as far as `Border` asks for them (ISO 32000-2, 12.5.4), solid. One that is given
 * by `BS` is out of reach; in practice that says that there is none.
 */
export function addLinkBorders(pdfium: Pdfium, page: Pointer): void {
  if (pdfium.drawsAnnotations) return;
  const { calls } = pdfium;
  const borders = look(pdfium, page, ({ subtype, has, border }) => subtype === LINK && !has('BS') && border > 0);
  for (const { rect, border, color } of borders) {
    const [left, top, right, bottom] = rect;
    const [across, down] = [right - left, top - bottom];
    if (!(across > 0 && down > 0)) continue;
    // One that would cover the link is a mistake.
    const width = border * 2 > Math.min(across, down) ? 1 : border;
    const path = calls.FPDFPageObj_CreateNewRect(left + width / 2, bottom + width / 2, across - width, down - width);
    calls.FPDFPageObj_SetStrokeColor(path, ...color, OPAQUE);
    calls.FPDFPageObj_SetStrokeWidth(path, width);
    calls.FPDFPath_SetDrawMode(path, NO_FILL, 1);
    calls.FPDFPage_InsertObject(page, path);
  }
}

interface Annotation {
  readonly subtype: number;
  readonly has: (key: string) => boolean;
  /** Points; 0: none is given. */
  readonly border: number;
  /** Left, top, right, bottom, in points of the page. */
  readonly rect: Quad;
  /** Red, green, blue: 0 to 255. */
  readonly color: readonly [number, number, number];
}

type Quad = readonly [number, number, number, number];

/** The annotations that are seen, have no appearance of their own, and of which `isWanted`. */
function look(pdfium: Pdfium, page: Pointer, isWanted: (annotation: Annotation) => boolean): readonly Annotation[] {
  const { calls } = pdfium;
  const count = Math.min(calls.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS);
  if (count <= 0) return [];
  const found: Annotation[] = [];
  const scratch = allocate(calls, SCRATCH_BYTES);
  for (let index = 0; index < count; index++) {
    const handle = calls.FPDFPage_GetAnnot(page, index);
    if (handle === 0) continue;
    const annotation = read(pdfium, handle, scratch);
    const isSeen = (calls.FPDFAnnot_GetFlags(handle) & UNSEEN) === 0;
    if (isSeen && !annotation.has('AP') && isWanted(annotation)) found.push(annotation);
    calls.FPDFPage_CloseAnnot(handle);
  }
  calls.free(scratch);
  return found;
}

function read({ calls, view }: Pdfium, handle: Pointer, scratch: Pointer): Annotation {
  const [second, third, fourth] = [scratch + 4, scratch + 8, scratch + 12];
  const quad = (readAt: (bytes: Buffer, at: number) => number): Quad => {
    const bytes = view(scratch, 16);
    return [readAt(bytes, 0), readAt(bytes, 4), readAt(bytes, 8), readAt(bytes, 12)];
  };
  const float = (bytes: Buffer, at: number) => bytes.readFloatLE(at);
  const hasBorder = calls.FPDFAnnot_GetBorder(handle, scratch, second, third) !== 0;
  const border = hasBorder ? quad(float)[2] : 0;
  const hasRect = calls.FPDFAnnot_GetRect(handle, scratch) !== 0;
  const rect: Quad = hasRect ? quad(float) : [0, 0, 0, 0];
  const hasColor = calls.FPDFAnnot_GetColor(handle, COLOR, scratch, second, third, fourth) !== 0;
  const [red, green, blue] = hasColor ? quad((bytes, at) => bytes.readUInt32LE(at)) : [0, 0, 0];
  const has = (key: string) => {
    view(scratch + KEY_AT, SCRATCH_BYTES - KEY_AT).write(`${key}\0`, 'latin1');
    return calls.FPDFAnnot_HasKey(handle, scratch + KEY_AT) !== 0;
  };
  return { subtype: calls.FPDFAnnot_GetSubtype(handle), has, border, rect, color: [red, green, blue] };
}
