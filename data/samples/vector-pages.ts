import { A4, type Content, createContent, type Document } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { circle, PALETTE } from './shapes.ts';

/** A cross-section of dam, pipe and power house: curves, dashes, joins, clips, even-odd fills. */
export function addDrawingPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 785, 'Section through the plant', { font: fonts.bold, size: 18 });
  content.out('q 50 330 495 420 re W n');
  content.rect({ x: 50, y: 330, width: 495, height: 420 }, '0.9 0.96 1');
  content.out('0.25 0.55 0.8 rg 50 560 m 190 566 200 554 260 560 c 260 400 l 50 380 l h f');
  content.out('0.62 0.6 0.56 rg 0.2 G 1.5 w 250 640 m 285 640 l 340 420 l 240 400 l h B');
  content.out('0.45 0.38 0.28 rg 50 380 m 240 402 l 345 420 l 400 390 470 350 545 352 c 545 330 l 50 330 l h f');
  content.out(
    '0.3 0.3 0.33 RG 11 w 1 j 1 J 258 470 m 330 462 l 390 410 l 450 378 l S 0.75 0.8 0.85 RG 6 w 258 470 m 330 462 l 390 410 l 450 378 l S',
  );
  content.out('0.8 0.45 0.3 rg 0.2 G 1 w 440 360 90 62 re B 0.6 0.2 0.15 rg 432 422 m 485 458 l 538 422 l h B');
  content.out('[7 4 1.5 4] 0 d 0.7 0.1 0.1 RG 0.8 w 50 560 m 545 560 l S 50 372 m 545 372 l S [] 0 d Q');
  content.text(380, 566, 'upper level 1,204.0 m', { font: fonts.sans, size: 8, color: '0.7 0.1 0.1' });
  content.out('0 G 2 w 50 330 495 420 re S');
  drawJoins(content);
  drawStars(content);
  drawRosette(content);
  document.addPage(A4, content);
}

function drawJoins(content: Content): void {
  for (const join of [0, 1, 2]) {
    const x = 70 + join * 75;
    content.out(
      join,
      'j',
      join,
      'J 14 w 0.2 0.4 0.6 RG',
      x,
      230,
      'm',
      x + 22,
      290,
      'l',
      x + 44,
      230,
      'l S 1 w 1 G',
      x,
      230,
      'm',
      x + 22,
      290,
      'l',
      x + 44,
      230,
      'l S',
    );
  }
}

function drawStars(content: Content): void {
  for (const [x, operator] of [
    [350, 'f'],
    [470, 'f*'],
  ] as const) {
    const points = Array.from({ length: 5 }, (_, index) => {
      const angle = Math.PI / 2 + (index * 4 * Math.PI) / 5;
      return [x + 50 * Math.cos(angle), 255 + 50 * Math.sin(angle)];
    });
    content.out(
      '0.85 0.65 0.1 rg',
      points.map((point, index) => `${point.map((n) => n.toFixed(2)).join(' ')} ${index ? 'l' : 'm'}`).join(' '),
      'h',
      operator,
    );
  }
}

function drawRosette(content: Content): void {
  content.out('0.3 w');
  for (let turn = 0; turn < 90; turn++) {
    const angle = (turn * Math.PI) / 45;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const color = `${(0.5 + 0.5 * cos).toFixed(3)} 0.3 ${(0.5 + 0.5 * sin).toFixed(3)}`;
    content.out(
      color,
      'RG',
      150,
      110,
      'm',
      150 + 80 * cos,
      110 + 80 * sin,
      290 + 70 * sin,
      110 + 70 * cos,
      300 + 60 * cos,
      110 + 60 * sin,
      'c S',
    );
  }
  for (let width = 1; width <= 14; width++)
    content.out(width / 8, 'w 0 G', 420, 40 + width * 9, 'm', 540, 40 + width * 9, 'l S');
}

/** Bars, lines and a pie. */
export function addChartsPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 785, 'Energy of the year', { font: fonts.bold, size: 18 });
  drawBars(content, fonts);
  drawLines(content, fonts);
  drawPie(content, fonts);
  document.addPage(A4, content);
}

function drawBars(content: Content, fonts: Fonts): void {
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  for (let line = 0; line <= 5; line++) {
    const y = 540 + line * 40;
    content.out('0.4 w 0.8 G 80', y, 'm 545', y, 'l S');
    content.text(74, y - 3, `${line * 10}`, { font: fonts.sans, size: 8, align: 'right' });
  }
  for (const [index, month] of months.entries()) {
    const pumped = 8 + 5 * Math.sin(index);
    const flow = 22 + 17 * Math.sin((index - 2) * 0.55);
    const x = 90 + index * 38;
    content.rect({ x, y: 540, width: 14, height: flow * 4 }, PALETTE[0]);
    content.rect({ x: x + 15, y: 540, width: 10, height: pumped * 4 }, PALETTE[1]);
    content.text(x + 12, 526, month, { font: fonts.sans, size: 8, align: 'center' });
  }
  content.text(80, 752, 'GWh a month: run of the river, pumped', { font: fonts.sans, size: 9 });
}

function drawLines(content: Content, fonts: Fonts): void {
  content.out('0.5 w 0 G 80 480 m 80 310 l 545 310 l S 1.4 w');
  for (const [series, color] of PALETTE.entries()) {
    const points = Array.from({ length: 60 }, (_, index) => {
      const y = 330 + series * 22 + 26 * Math.sin(index / (4 + series)) + ((index * (7 + series)) % 11);
      return `${80 + index * 7.8} ${y.toFixed(2)} ${index === 0 ? 'm' : 'l'}`;
    });
    content.out(color, 'RG', points.join(' '), 'S');
  }
  content.text(80, 492, 'head loss by load, five units', { font: fonts.sans, size: 9 });
}

function drawPie(content: Content, fonts: Fonts): void {
  const shares = [0.38, 0.24, 0.17, 0.12, 0.09];
  let from = Math.PI / 2;
  for (const [index, share] of shares.entries()) {
    const to = from - share * 2 * Math.PI;
    const arc = Array.from({ length: 33 }, (_, step) => {
      const angle = from + ((to - from) * step) / 32;
      return `${(200 + 100 * Math.cos(angle)).toFixed(2)} ${(160 + 100 * Math.sin(angle)).toFixed(2)} l`;
    });
    content.out(PALETTE[index] ?? '0 0 0', 'rg 1 G 1.5 w 200 160 m', arc.join(' '), 'h B');
    content.rect({ x: 350, y: 205 - index * 24, width: 12, height: 12 }, PALETTE[index] ?? '0 0 0');
    content.text(370, 207 - index * 24, `unit ${index + 1}: ${Math.round(share * 100)} %`, {
      font: fonts.sans,
      size: 10,
    });
    from = to;
  }
}

/** Landscape by way of /Rotate 90: what is drawn upwards here is read sideways there. */
export function addRotatedPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  // Turned once in the content and once by the viewer, so that it is read upright.
  content.out('0 1 -1 0', A4.width, 0, 'cm');
  content.rect({ x: 40, y: 40, width: A4.height - 80, height: A4.width - 80 }, '0.96 0.97 0.93');
  content.rect({ x: 40, y: A4.width - 80, width: 40, height: 40 }, '0.9 0.1 0.1');
  content.text(100, A4.width - 72, 'Turned by the page dictionary: red is top left', { font: fonts.bold, size: 20 });
  for (let year = 0; year < 12; year++) {
    const x = 80 + year * 58;
    content.rect(
      { x, y: 120, width: 40, height: 60 + ((year * 37) % 250) },
      `${(year / 12).toFixed(3)} 0.45 ${(1 - year / 12).toFixed(3)}`,
    );
    content.text(x + 20, 100, `${2012 + year}`, { font: fonts.sans, size: 10, align: 'center' });
  }
  document.addPage(A4, content, { Rotate: 90 });
}

/** A page whose crop box leaves the printer's marks outside. */
export function addCroppedPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  const media = { width: 700, height: 900 };
  content.rect({ x: 0, y: 0, ...media }, '1 0 1');
  content.rect({ x: 80, y: 100, width: 500, height: 700 }, '1 0.99 0.95');
  content.text(330, 700, 'Cropped to 500 × 700', { font: fonts.bold, size: 24, align: 'center' });
  content.text(330, 660, 'nothing magenta may be seen, the frame is whole', {
    font: fonts.sans,
    size: 12,
    align: 'center',
  });
  content.out('0 0.5 0.2 RG 6 w 83 103 494 694 re S');
  for (let ring = 1; ring <= 12; ring++) {
    content.out('1 w 0.2 0.3 0.6 RG', 330 + ring * 15, 350, 'm', circle(330, 350, ring * 15), 'S');
  }
  document.addPage(media, content, { CropBox: [80, 100, 580, 800] });
}
