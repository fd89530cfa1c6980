/**
 * Makes the sample documents beside this file: `node data/make-samples.ts`. Everything in them is drawn here; the only
 * foreign parts are subsets of fonts whose licences allow that (data/README.md).
 *
 * Needs these Debian packages: fonts-dejavu-core fonts-noto-cjk fonts-liberation libharfbuzz-bin libtiff-tools
 * libopenjp2-tools poppler-data qpdf.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addColoursPage } from './samples/colour-page.ts';
import { createDocument } from './samples/document.ts';
import { makeFailures } from './samples/failures.ts';
import { latinFonts } from './samples/fonts-in-use.ts';
import { addFormPage } from './samples/form-page.ts';
import { addCcittPage, addJbig2Page, addJpegPage, addJpxPage, addMrcPage } from './samples/image-pages.ts';
import { addCjkNotEmbeddedPage, addCjkPage, addPredefinedCmapPage } from './samples/script-pages.ts';
import { addColumnsPage, addStandardFontsPage, addTablePage, addTitlePage } from './samples/text-pages.ts';
import {
  addChartsPage,
  addCroppedPage,
  addDrawingPage,
  addRotatedPage,
  addTransparencyPage,
} from './samples/vector-pages.ts';

const folder = import.meta.dirname;
const scratch = mkdtempSync(join(tmpdir(), 'samples-'));
try {
  const onePage = makeOnePage();
  save('sample-1-page.pdf', onePage);
  save('sample-17-pages.pdf', makeMixed());
  save('sample-mrc-scan.pdf', makeMrcScan());
  save('sample-cjk-not-embedded.pdf', makeCjkNotEmbedded());
  mkdirSync(join(folder, 'failures'), { recursive: true });
  for (const [name, bytes] of makeFailures(onePage, scratch)) save(join('failures', name), bytes);
} finally {
  rmSync(scratch, { recursive: true });
}

function save(name: string, bytes: Buffer): void {
  writeFileSync(join(folder, name), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}

function makeOnePage(): Buffer {
  const document = createDocument('One page');
  addTitlePage(document, latinFonts(document.pdf, scratch));
  return document.finish();
}

function makeMixed(): Buffer {
  const document = createDocument('Seventeen mixed pages');
  const fonts = latinFonts(document.pdf, scratch);
  addTitlePage(document, fonts);
  addColumnsPage(document, fonts);
  addStandardFontsPage(document, fonts, scratch);
  addTablePage(document, fonts);
  addDrawingPage(document, fonts);
  addChartsPage(document, fonts);
  addJpegPage(document, fonts);
  addCcittPage(document, scratch);
  addJbig2Page(document, scratch);
  addJpxPage(document, fonts, scratch);
  addCjkPage(document, fonts, scratch);
  addPredefinedCmapPage(document, fonts, scratch);
  addRotatedPage(document, fonts);
  addCroppedPage(document, fonts);
  const catalog = addFormPage(document, fonts);
  addTransparencyPage(document, fonts);
  addColoursPage(document, fonts);
  return document.finish(catalog);
}

function makeMrcScan(): Buffer {
  const document = createDocument('Scanned sheets, mixed raster content');
  for (const [index, codec] of (['ccitt', 'jbig2', 'ccitt'] as const).entries()) {
    addMrcPage(document, scratch, { seed: 40 + index * 5, codec });
  }
  return document.finish();
}

function makeCjkNotEmbedded(): Buffer {
  const document = createDocument('CJK fonts by name only');
  addCjkNotEmbeddedPage(document, latinFonts(document.pdf, scratch));
  return document.finish();
}
