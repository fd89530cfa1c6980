import {
  addImage,
  ccittImage,
  type EncodedImage,
  jbig2ArithmeticImage,
  jbig2Image,
  jpegImage,
  jpxImage,
} from './codecs.ts';
import { A4, createContent, type Document, LETTER } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { paintLandscape, paintScan, type Raw } from './pictures.ts';
import { LETTER_LINES } from './prose.ts';

/** A photograph as JPEG, with a caption. */
export function addJpegPage(document: Document, fonts: Fonts): void {
  addPhotoPage(document, fonts, {
    image: jpegImage(paintLandscape(1200, 800, 11), 78),
    caption: 'The reservoir in June (JPEG)',
  });
}

/** A photograph as JPEG 2000. */
export function addJpxPage(document: Document, fonts: Fonts, scratch: string): void {
  const image = jpxImage(paintLandscape(1200, 800, 27), 40, scratch);
  addPhotoPage(document, fonts, { image, caption: 'The upper lake in September (JPEG 2000)' });
}

function addPhotoPage(
  document: Document,
  fonts: Fonts,
  { image, caption }: { image: EncodedImage; caption: string },
): void {
  const content = createContent();
  const photo = addImage(document.pdf, image);
  content.text(50, 780, 'What the visitor sees', { font: fonts.bold, size: 18 });
  content.image({ x: 50, y: 420, width: 495, height: 330 }, photo);
  content.text(50, 402, caption, { font: fonts.sans, size: 10 });
  for (let index = 0; index < 3; index++)
    content.image({ x: 50 + index * 168, y: 270, width: 159, height: 106 }, photo);
  content.out('q 0.966 0.259 -0.259 0.966 200 40 cm', 'q 270 0 0 180 0 0 cm', content.use('XObject', photo), 'Do Q Q');
  document.addPage(A4, content);
}

/** A typed letter at 300 dpi on A4, CCITT group 4. */
export function addCcittPage(document: Document, scratch: string): void {
  const scan = paintScan({
    width: 2480,
    height: 3508,
    title: 'Survey of the lower penstock',
    lines: LETTER_LINES,
    seed: 5,
    size: 52,
  });
  addScanPage(document, A4, ccittImage(scan, scratch));
}

/** A typed letter at 300 dpi on US Letter, JBIG2. */
export function addJbig2Page(document: Document, scratch: string): void {
  const lines = [...LETTER_LINES].reverse();
  const scan = paintScan({ width: 2550, height: 3300, title: 'Copy for the files', lines, seed: 6, size: 50 });
  addScanPage(document, LETTER, jbig2Image(scan, scratch));
}

/** A sheet of an archive at 300 dpi on A4, JBIG2 by its arithmetic coder or by MMR. */
export function addArchivePage(
  document: Document,
  scratch: string,
  { number, codec }: { number: number; codec: 'arithmetic' | 'mmr' },
): void {
  const lines = LETTER_LINES.map((_, index) => LETTER_LINES[(index + number * 3) % LETTER_LINES.length] ?? '');
  const scan = paintScan({ width: 2480, height: 3508, title: `Sheet ${number}`, lines, seed: 60 + number, size: 46 });
  addScanPage(document, A4, codec === 'arithmetic' ? jbig2ArithmeticImage(scan) : jbig2Image(scan, scratch));
}

function addScanPage(document: Document, size: { width: number; height: number }, image: EncodedImage): void {
  const content = createContent();
  content.image({ x: 0, y: 0, ...size }, addImage(document.pdf, image));
  document.addPage(size, content);
}

/**
 * Mixed raster content, as office scanners write it: a soft colour background at 150 dpi, and above it the letters as
 * stencil masks at 300 dpi through which black and blue are poured.
 */
export function addMrcPage(
  document: Document,
  scratch: string,
  { seed, codec }: { seed: number; codec: 'ccitt' | 'jbig2' },
): void {
  const { pdf } = document;
  const background = paintLandscape(1240, 1754, seed);
  const context = background.getContext('2d');
  context.fillStyle = 'rgba(252, 250, 244, 0.9)';
  context.fillRect(0, 0, 1240, 1754);
  context.drawImage(paintLandscape(600, 400, seed + 1), 560, 1180);
  const encode = codec === 'ccitt' ? ccittImage : jbig2Image;
  const black = paintScan({ width: 2480, height: 3508, title: '', lines: LETTER_LINES.slice(0, 18), seed, size: 50 });
  const blue = paintScan({ width: 2480, height: 3508, title: 'Sheet 12', lines: [], seed: seed + 2, size: 60 });
  const content = createContent();
  content.image({ x: 0, y: 0, ...A4 }, addImage(pdf, jpegImage(background, 60)));
  content.out('0.05 0.05 0.08 rg');
  content.image({ x: 0, y: 0, ...A4 }, addImage(pdf, stencil(black, encode, scratch)));
  content.out('0.1 0.2 0.6 rg');
  content.image({ x: 0, y: 0, ...A4 }, addImage(pdf, stencil(blue, encode, scratch)));
  document.addPage(A4, content);
}

function stencil(raw: Raw, encode: (raw: Raw, scratch: string) => EncodedImage, scratch: string): EncodedImage {
  const { dictionary, data } = encode(raw, scratch);
  const { ColorSpace, ...rest } = dictionary;
  return { dictionary: { ...rest, ImageMask: 'true', Decode: [0, 1] }, data };
}
