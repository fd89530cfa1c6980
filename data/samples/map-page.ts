import { A4, type Content, createContent, type Document } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { createNoise, layers } from './pictures.ts';

/** The drawn part of the sheet, in points, and its grid. */
const FRAME = { x: 40, y: 60, width: 515, height: 700 };
const CELL = 3.5;
const LEVELS = 16;

type Height = (x: number, y: number) => number;

/** A sheet of a map: hills in flat tints, contour lines by the thousand, every fourth one bold, and a river. */
export function addMapPage(document: Document, fonts: Fonts, sheet: number): void {
  const content = createContent();
  const noise = createNoise(80 + sheet);
  const height: Height = (x, y) => layers(noise, x / 150, y / 150);
  content.text(40, 785, `Catchment of the upper lake, sheet ${sheet}`, { font: fonts.bold, size: 18 });
  content.rect(FRAME, '0.93 0.96 0.88');
  content.out('q', FRAME.x, FRAME.y, FRAME.width, FRAME.height, 're W n');
  drawTints(content, height);
  for (let level = 1; level < LEVELS; level++) drawContour(content, height, level);
  drawRiver(content, sheet);
  content.out('Q 0 G 1.2 w', FRAME.x, FRAME.y, FRAME.width, FRAME.height, 're S');
  content.text(40, 40, 'Interval 25 m. Not for navigation.', { font: fonts.sans, size: 9 });
  document.addPage(A4, content);
}

function drawTints(content: Content, height: Height): void {
  const step = CELL * 4;
  for (const [x, y] of cells(step)) {
    const green = (0.97 - 0.35 * height(x, y)).toFixed(3);
    content.out(`${green} 0.95 0.8 rg`, x, y, step, step, 're f');
  }
}

/** Marching squares: where the level passes through each cell, as one path. */
function drawContour(content: Content, height: Height, level: number): void {
  const value = level / LEVELS;
  content.out(level % 4 === 0 ? '0.55 0.35 0.15 RG 0.9 w' : '0.65 0.5 0.3 RG 0.35 w');
  for (const [x, y] of cells(CELL)) {
    const corners = [
      [x, y],
      [x + CELL, y],
      [x + CELL, y + CELL],
      [x, y + CELL],
    ] as const;
    const points = corners.flatMap((from, index) => crossing(height, value, [from, corners[(index + 1) % 4] ?? from]));
    for (let index = 0; index + 1 < points.length; index += 2)
      content.out(points[index] ?? '', 'm', points[index + 1] ?? '', 'l');
  }
  content.out('S');
}

type Point = readonly [x: number, y: number];

function crossing(height: Height, value: number, [from, to]: readonly [Point, Point]): string[] {
  const [low, high] = [height(...from) - value, height(...to) - value];
  if (low < 0 === high < 0) return [];
  const share = low / (low - high);
  return [from.map((start, axis) => (start + ((to[axis] ?? 0) - start) * share).toFixed(2)).join(' ')];
}

function drawRiver(content: Content, sheet: number): void {
  let [x, y] = [FRAME.x + 120 + sheet * 60, FRAME.y + FRAME.height];
  content.out('0.3 0.55 0.8 RG 4 w 1 J 1 j', x, y, 'm');
  for (let bend = 0; y > FRAME.y; bend++) {
    const side = bend % 2 === 0 ? 46 : -40;
    content.out(x + side, y - 20, x + side, y - 45, x + side / 3, y - 70, 'c');
    [x, y] = [x + side / 3, y - 70];
  }
  content.out('S');
}

function* cells(step: number): Generator<Point> {
  for (let y = FRAME.y; y < FRAME.y + FRAME.height; y += step)
    for (let x = FRAME.x; x < FRAME.x + FRAME.width; x += step) yield [x, y];
}
