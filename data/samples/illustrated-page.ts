import { addImage, jpegImage } from './codecs.ts';
import { type Content, createContent, type Document } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { createRandom, paintLandscape } from './pictures.ts';
import { PARAGRAPHS } from './prose.ts';
import { circle } from './shapes.ts';

const SIZE = { width: 612, height: 480 };

/** A page of a picture book: a sky, hills, clouds and a wood in flat colours, a framed photograph, large text. */
export function addIllustratedPage(document: Document, fonts: Fonts, number: number): void {
  const content = createContent();
  const random = createRandom(number);
  drawSky(document, content, number);
  drawClouds(document, content, random);
  for (let range = 0; range < 4; range++) drawHills(content, random, range);
  for (let tree = 0; tree < 45; tree++) drawTree(content, random);
  if (number % 4 === 1) drawPhoto(document, content, number);
  content.rect({ x: 40, y: 28, width: 532, height: 92 }, '1 1 0.96');
  content.out('0.4 0.3 0.2 RG 2 w 40 28 532 92 re S');
  const words = PARAGRAPHS[number % PARAGRAPHS.length] ?? '';
  content.paragraph({ x: 56, y: 98, width: 500 }, words, { font: fonts.serif, size: 13.5, color: '0.25 0.15 0.1' });
  document.addPage(SIZE, content);
}

function drawSky({ pdf }: Document, content: Content, number: number): void {
  const dusk = (number % 5) / 5;
  const fade = {
    FunctionType: 2,
    Domain: [0, 1],
    C0: [0.95, 0.85 - dusk * 0.3, 0.6],
    C1: [0.3, 0.55 - dusk * 0.2, 0.9],
    N: 1,
  };
  const shading = { ShadingType: 2, ColorSpace: '/DeviceRGB', Coords: [0, 180, 0, 480], Function: fade };
  const id = pdf.add({ ...shading, Extend: '[true true]' });
  content.out('q', content.use('Shading', id), 'sh Q 1 0.93 0.55 rg', 520, 400, 'm', circle(480, 400, 40), 'f');
}

function drawClouds({ pdf }: Document, content: Content, random: () => number): void {
  const state = pdf.add({ Type: '/ExtGState', ca: 0.6 });
  content.out('q', content.use('ExtGState', state), 'gs 1 g');
  for (let cloud = 0; cloud < 4; cloud++) {
    const [x, y] = [60 + random() * 480, 340 + random() * 100];
    for (let puff = 0; puff < 7; puff++) {
      const [left, radius] = [x + puff * 14, 12 + random() * 16];
      content.out(left + radius, y, 'm', circle(left, y, radius), 'f');
    }
  }
  content.out('Q');
}

function drawHills(content: Content, random: () => number, range: number): void {
  const top = 300 - range * 45;
  const shade = 0.75 - range * 0.15;
  const curves: (string | number)[] = [];
  for (let x = 0; x < SIZE.width; x += 102) {
    curves.push(x + 34, top + random() * 60, x + 68, top - random() * 60, x + 102, top + (random() - 0.5) * 30, 'c');
  }
  const color = [shade * 0.6, shade, shade * 0.45].map((part) => part.toFixed(3)).join(' ');
  content.out(color, 'rg 0', top, 'm', ...curves, SIZE.width, 0, 'l 0 0 l h f');
}

function drawTree(content: Content, random: () => number): void {
  const [x, y, size] = [random() * SIZE.width, 110 + random() * 110, 10 + random() * 22];
  content.rect({ x: x - size * 0.08, y, width: size * 0.16, height: size }, '0.4 0.26 0.15');
  const green = (0.3 + random() * 0.3).toFixed(3);
  for (let storey = 0; storey < 3; storey++) {
    const base = y + size * (0.5 + storey * 0.45);
    const half = size * (0.6 - storey * 0.14);
    content.out(
      '0.1',
      green,
      '0.2 rg 0.05 0.2 0.1 RG 0.4 w',
      x - half,
      base,
      'm',
      x + half,
      base,
      'l',
      x,
      base + size * 0.8,
      'l h B',
    );
  }
}

function drawPhoto({ pdf }: Document, content: Content, number: number): void {
  const photo = addImage(pdf, jpegImage(paintLandscape(480, 320, number), 75));
  content.rect({ x: 64, y: 264, width: 192, height: 132 }, '1 1 1');
  content.image({ x: 70, y: 270, width: 180, height: 120 }, photo);
  content.out('0.5 G 0.5 w 64 264 192 132 re S');
  const frame = pdf.add({ Type: '/ExtGState', CA: 0.4 });
  content.out('q', content.use('ExtGState', frame), 'gs 0 G 4 w 68 260 m 260 260 l 260 392 l S Q');
}
