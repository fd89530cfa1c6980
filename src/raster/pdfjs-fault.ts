import { createCanvas } from '@napi-rs/canvas';
import { AnnotationMode, getDocument, OPS, type PDFPageProxy, VerbosityLevel } from 'pdfjs-dist/legacy/build/pdf.mjs';
import type { DocumentOptions } from './pdfjs-options.ts';

/** Pixels on the longer side of the second look: what matters is only what pdf.js says while it draws. */
const PREVIEW_SIDE = 64;

/** What pdf.js prints, and only prints, when it leaves something out of a page that should have been painted. */
const LEFT_OUT = [
  'Dependent image',
  'Failed to compile font',
  'Failed to parse font',
  'Image dimensions are missing',
  'Image exceeded',
  'Invalid stream',
  'Unable to decode',
  'getContentStream - ignoring',
  'getOperatorList - ignoring',
  'handleTilingType - ignoring',
  'loadFont',
  'parseShading - ignoring',
];

/**
 * Why a page that came out blank should not have: what pdf.js left out of it. undefined: it really paints nothing, or
 * nothing but white.
 */
export type FindFault = (options: DocumentOptions, page: number) => Promise<string | undefined>;

/** Looks one after the other, since each listens on the one console there is. */
export function createFaultFinder(): FindFault {
  let last: Promise<unknown> = Promise.resolve();
  return (options, page) => {
    const look = () => findFault(options, page);
    const next = last.then(look, look);
    last = next;
    return next;
  };
}

/**
 * Draws the page once more, small, since pdf.js tells of damage only on the console: there is no error and no event,
 * and `stopAtErrors` gives an empty page just the same.
 */
async function findFault(options: DocumentOptions, page: number): Promise<string | undefined> {
  const task = getDocument({ ...options, verbosity: VerbosityLevel.WARNINGS });
  try {
    const document = await task.promise;
    const proxy = await document.getPage(page);
    const warnings = await collectWarnings(() => drawPreview(proxy));
    const found = warnings.find((warning) => LEFT_OUT.some((beginning) => warning.startsWith(beginning)));
    return found?.replace(/\.$/, '') ?? (await findUnavailableFont(proxy));
  } finally {
    await task.destroy();
    await silence();
  }
}

async function drawPreview(proxy: PDFPageProxy): Promise<void> {
  const { width, height } = proxy.getViewport({ scale: 1 });
  const viewport = proxy.getViewport({ scale: PREVIEW_SIDE / Math.max(width, height) });
  const canvas = createCanvas(Math.ceil(viewport.width), Math.ceil(viewport.height));
  const canvasContext = canvas.getContext('2d');
  await proxy.render({ canvas: null, canvasContext, viewport, annotationMode: AnnotationMode.ENABLE }).promise;
}

/** Text in a font that is neither embedded nor on this machine: the canvas draws nothing for it. */
async function findUnavailableFont(proxy: PDFPageProxy): Promise<string | undefined> {
  const { fnArray, argsArray } = await proxy.getOperatorList();
  let font: unknown;
  let isVisible = true;
  for (const [index, operator] of fnArray.entries()) {
    const argument: unknown = argsArray[index]?.[0];
    if (operator === OPS.setFont) font = proxy.commonObjs.get(String(argument));
    if (operator === OPS.setTextRenderingMode) isVisible = argument !== INVISIBLE;
    if (operator === OPS.showText && isVisible && isMissing(font)) return `no font for ${font.loadedName} is installed`;
  }
  return undefined;
}

/** The text rendering mode of recognised text behind a scan (ISO 32000-2, table 104). */
const INVISIBLE = 3;

function isMissing(font: unknown): font is { readonly loadedName: string } {
  return typeof font === 'object' && font !== null && 'missingFile' in font && font.missingFile === true;
}

/** The level is a setting of the whole module, made anew whenever a document is opened, even one that is none. */
async function silence(): Promise<void> {
  const task = getDocument({ data: Uint8Array.of(0), verbosity: VerbosityLevel.ERRORS });
  await task.promise.catch(() => undefined);
  await task.destroy();
}

/** This thread's `console.warn` goes nowhere else meanwhile; nothing but pdf.js uses it (the log writes by itself). */
async function collectWarnings(use: () => Promise<void>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (message: unknown) => {
    if (warnings.length < MAX_WARNINGS) warnings.push(String(message).replace(/^Warning: /, ''));
  };
  try {
    await use();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

/** A damaged page can give one for every operator. */
const MAX_WARNINGS = 1000;
