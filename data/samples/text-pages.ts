import { A4, createContent, type Document, LETTER } from './document.ts';
import { standardFont } from './fonts.ts';
import type { Fonts } from './fonts-in-use.ts';
import { literal } from './pdf-writer.ts';
import { PARAGRAPHS } from './prose.ts';

const INK = '0.12 0.16 0.22';
const BLUE = '0.09 0.33 0.55';

/** Title and running text in embedded TrueType subsets. */
export function addTitlePage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.rect({ x: 0, y: 640, width: A4.width, height: A4.height - 640 }, BLUE);
  content.text(60, 740, 'The Lower Penstock', { font: fonts.bold, size: 34, color: '1 1 1' });
  content.text(60, 705, 'Inspection and renewal, a sample in seventeen pages', {
    font: fonts.sans,
    size: 14,
    color: '0.85 0.92 1',
  });
  let y = 600;
  for (const paragraph of PARAGRAPHS.slice(0, 5)) {
    y = content.paragraph({ x: 60, y, width: 475 }, paragraph, { font: fonts.serif, size: 11.5, color: INK }) - 10;
  }
  content.text(A4.width / 2, 40, 'äöü ß éèñ “quoted” – 12 °C × 3 m² • page 1', {
    font: fonts.sans,
    size: 9,
    color: '0.4 0.4 0.4',
    align: 'center',
  });
  document.addPage(A4, content);
}

/** Two columns of Times, which is not embedded: the reader brings it along. */
export function addColumnsPage(document: Document, fonts: Fonts, number = 2): void {
  const content = createContent();
  content.text(LETTER.width / 2, 730, 'Water, Steel and Patience', {
    font: fonts.helvetica,
    size: 22,
    color: INK,
    align: 'center',
  });
  for (const [column, x] of [54, 316].entries()) {
    let y = 690;
    for (const [index, paragraph] of PARAGRAPHS.entries()) {
      const words = column === 0 ? paragraph : (PARAGRAPHS[(index + 3) % PARAGRAPHS.length] ?? paragraph);
      y = content.paragraph({ x, y, width: 242 }, words, { font: fonts.times, size: 10.5 }) - 7;
      if (y < 110) break;
    }
  }
  content.text(LETTER.width / 2, 40, `${number}`, { font: fonts.courier, size: 10, align: 'center' });
  document.addPage(LETTER, content);
}

const STANDARD_FONTS = [
  ['Helvetica', 'LiberationSans-Regular'],
  ['Helvetica-Bold', 'LiberationSans-Bold'],
  ['Helvetica-Oblique', 'LiberationSans-Italic'],
  ['Helvetica-BoldOblique', 'LiberationSans-BoldItalic'],
  ['Times-Roman', 'LiberationSerif-Regular'],
  ['Times-Bold', 'LiberationSerif-Bold'],
  ['Times-Italic', 'LiberationSerif-Italic'],
  ['Times-BoldItalic', 'LiberationSerif-BoldItalic'],
  ['Courier', 'LiberationMono-Regular'],
  ['Courier-Bold', 'LiberationMono-Bold'],
  ['Courier-Oblique', 'LiberationMono-Italic'],
  ['Courier-BoldOblique', 'LiberationMono-BoldItalic'],
  ['Symbol', 'LiberationSans-Regular'],
  ['ZapfDingbats', 'LiberationSans-Regular'],
] as const;

/** The 14 standard fonts, and text as outline, clipped, stretched, spaced and raised. */
export function addStandardFontsPage(document: Document, fonts: Fonts, scratch: string): void {
  const content = createContent();
  let y = 780;
  for (const [name, metrics] of STANDARD_FONTS) {
    const font = standardFont(document.pdf, name, metrics, scratch);
    content.text(50, y, name, { font: fonts.courier, size: 8, color: '0.5 0.5 0.5' });
    content.text(190, y - 3, 'Sphinx of black quartz, 0123', { font, size: 17 });
    y -= 33;
  }
  const big = content.use('Font', fonts.bold.id);
  const word = (text: string) => fonts.bold.encode(text);
  content.out('BT', big, 44, 'Tf 1 Tr 1.2 w 0.8 0.2 0.1 RG 50 270 Td', word('Outline'), 'Tj ET');
  content.out('BT', big, 44, 'Tf 2 Tr 0.95 0.8 0.2 rg 0.3 0.3 0.3 RG 300 270 Td', word('Filled'), 'Tj ET');
  content.out('q BT', big, 60, 'Tf 7 Tr 50 195 Td', word('Clipped'), 'Tj ET');
  for (let stripe = 0; stripe < 30; stripe++)
    content.rect({ x: 50 + stripe * 12, y: 180, width: 6, height: 70 }, stripe % 2 ? '0.1 0.5 0.4' : '0.9 0.4 0.1');
  content.out(
    'Q BT 0 Tr 0 g',
    content.use('Font', fonts.helvetica.id),
    '16 Tf 60 Tz 50 150 Td',
    literal('squeezed to 60 per cent'),
    'Tj',
  );
  content.out(
    '100 Tz 3 Tc 0 -26 Td',
    literal('spaced by 3'),
    'Tj 0 Tc 0 -26 Td',
    literal('raised'),
    'Tj 7 Ts',
    literal('above'),
    'Tj -4 Ts',
    literal('below'),
    'Tj ET',
  );
  content.out(
    'BT 0.94 0.34 -0.34 0.94 330 90 Tm',
    content.use('Font', fonts.helvetica.id),
    '20 Tf 0 Ts 0.2 0.2 0.7 rg',
    literal('turned by twenty degrees'),
    'Tj ET',
  );
  document.addPage(A4, content);
}

/** A table of readings in small type with hairlines. */
export function addTablePage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 780, 'Readings of the wall, in millimetres', { font: fonts.bold, size: 16, color: BLUE });
  const columns = ['ring', '0°', '45°', '90°', '135°', '180°', '225°', '270°', '315°', 'least'];
  for (const [index, title] of columns.entries()) {
    content.text(92 + index * 50, 750, title, { font: fonts.bold, size: 8, align: 'right' });
  }
  for (let ring = 1; ring <= 40; ring++) {
    const y = 750 - ring * 16.5;
    if (ring % 2 === 0) content.rect({ x: 50, y: y - 4, width: 500, height: 16.5 }, '0.93 0.95 0.98');
    const readings = columns.slice(1, 9).map((_, at) => 12.6 - (((ring * 7 + at * 11) % 23) / 23) * 1.2);
    const cells = [`${ring}`, ...readings.map((reading) => reading.toFixed(1)), Math.min(...readings).toFixed(1)];
    for (const [index, cell] of cells.entries()) {
      const isLeast = index === 9;
      const style = { font: isLeast ? fonts.bold : fonts.sans, size: 7.5, color: isLeast ? '0.7 0.1 0.1' : INK };
      content.text(92 + index * 50, y, cell, { ...style, align: 'right' });
    }
    content.out('0.25 w 0.75 G 50', y - 4, 'm 550', y - 4, 'l S');
  }
  document.addPage(A4, content);
}
