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
import { createDocument, type Document } from './samples/document.ts';
import { makeFailures } from './samples/failures.ts';
import { type Fonts, latinFonts } from './samples/fonts-in-use.ts';
import { addForeignFontsPage } from './samples/foreign-fonts-page.ts';
import { addFormPage } from './samples/form-page.ts';
import { addIllustratedPage } from './samples/illustrated-page.ts';
import {
  addArchivePage,
  addCcittPage,
  addJbig2Page,
  addJpegPage,
  addJpxPage,
  addMrcPage,
} from './samples/image-pages.ts';
import { addMapPage } from './samples/map-page.ts';
import { addCjkPage, addPredefinedCmapPage, SHIFT_JIS, UTF_16 } from './samples/script-pages.ts';
import { addColumnsPage, addStandardFontsPage, addTablePage, addTitlePage } from './samples/text-pages.ts';
import { addTransparencyPage } from './samples/transparency-page.ts';
import { addChartsPage, addCroppedPage, addDrawingPage, addRotatedPage } from './samples/vector-pages.ts';

/** As many as the task's headline example has. */
const PAGES = 17;

const folder = import.meta.dirname;
const scratch = mkdtempSync(join(tmpdir(), 'samples-'));
try {
  const onePage = make('One page', addTitlePage);
  save('sample-1-page.pdf', onePage);
  save('sample-17-pages.pdf', makeMixed());
  save('sample-text.pdf', make('Seventeen pages of text and drawings', addTextPages));
  save('sample-illustrated.pdf', make('Seventeen illustrated pages', addIllustratedPages));
  save('sample-mrc-scan.pdf', makeMrcScan());
  save('sample-jbig2-scan.pdf', makeJbig2Scan());
  save('sample-vector.pdf', make('Nine drawings and maps', addVectorPages));
  save('sample-cjk-utf16.pdf', make('Japanese by UTF-16', addUtf16Page));
  save('sample-fonts-not-embedded.pdf', make('Fonts by name only', addForeignFontsPage));
  mkdirSync(join(folder, 'failures'), { recursive: true });
  for (const [name, bytes] of makeFailures(onePage, scratch)) save(join('failures', name), bytes);
} finally {
  rmSync(scratch, { recursive: true });
}

function save(name: string, bytes: Buffer): void {
  writeFileSync(join(folder, name), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}

function make(title: string, addPages: (document: Document, fonts: Fonts) => void): Buffer {
  const document = createDocument(title);
  addPages(document, latinFonts(document.pdf, scratch));
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
  addPredefinedCmapPage(document, fonts, SHIFT_JIS, scratch);
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

function makeJbig2Scan(): Buffer {
  const document = createDocument('Sheets of an archive');
  for (let number = 1; number <= 6; number++) {
    addArchivePage(document, scratch, { number, codec: number % 3 === 0 ? 'mmr' : 'arithmetic' });
  }
  return document.finish();
}

function addTextPages(document: Document, fonts: Fonts): void {
  for (let page = 1; page <= PAGES; page++) {
    if (page % 6 === 3) addTablePage(document, fonts);
    else if (page % 6 === 0) addChartsPage(document, fonts);
    else if (page % 6 === 5) addDrawingPage(document, fonts);
    else addColumnsPage(document, fonts, page);
  }
}

function addIllustratedPages(document: Document, fonts: Fonts): void {
  for (let page = 1; page <= PAGES; page++) addIllustratedPage(document, fonts, page);
}

function addVectorPages(document: Document, fonts: Fonts): void {
  for (let sheet = 1; sheet <= 3; sheet++) {
    addDrawingPage(document, fonts);
    addChartsPage(document, fonts);
    addMapPage(document, fonts, sheet);
  }
}

function addUtf16Page(document: Document, fonts: Fonts): void {
  addPredefinedCmapPage(document, fonts, UTF_16, scratch);
}
