import { getDocument, OPS, type PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import type { DocumentOptions } from './pdfjs-options.ts';

/**
 * Why a page that came out blank should not have: the first part of its content that pdf.js could not read or decode.
 * undefined: it really paints nothing, or nothing but white. Opens the document once more, since strictness is a
 * setting of the whole document.
 */
export async function findPaintFault(options: DocumentOptions, page: number): Promise<string | undefined> {
  const task = getDocument({ ...options, stopAtErrors: true });
  try {
    const document = await task.promise;
    return await findImageFault(await document.getPage(page));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await task.destroy();
  }
}

/** An image whose decoder failed is not an error even to a strict reader: pdf.js hands over null in its place. */
async function findImageFault(proxy: PDFPageProxy): Promise<string | undefined> {
  const { fnArray, argsArray } = await proxy.getOperatorList();
  for (const [index, operator] of fnArray.entries()) {
    if (operator !== OPS.paintImageXObject && operator !== OPS.paintImageXObjectRepeat) continue;
    const id = String(argsArray[index]?.[0]);
    if ((await decodedImage(proxy, id)) === null) return 'an image cannot be decoded';
  }
  return undefined;
}

function decodedImage(proxy: PDFPageProxy, id: string): Promise<unknown> {
  // Images that several pages share live with the document, under ids of their own.
  const objects = id.startsWith('g_') ? proxy.commonObjs : proxy.objs;
  return new Promise((resolve) => objects.get(id, resolve));
}
