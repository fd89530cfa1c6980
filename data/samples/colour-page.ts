import { A4, type Box, type Content, createContent, type Document } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { type Id, ref, type Value } from './pdf-writer.ts';

const SIDE = 32;

/** Images in every colour space and coding that needs no photograph, tiling patterns, a Type 3 font, an inline image. */
export function addColoursPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 790, 'Colour spaces, masks, patterns', { font: fonts.bold, size: 18 });
  const images = colourImages(document);
  for (const [index, [title, image]] of images.entries()) {
    const box = { x: 55 + (index % 4) * 125, y: 650 - Math.floor(index / 4) * 135, width: 100, height: 100 };
    content.rect(box, index % 2 ? '0.9 0.9 0.9' : '1 0.93 0.8');
    content.out('0.8 0.1 0.3 rg');
    content.image(box, image);
    content.text(box.x, box.y - 11, title, { font: fonts.sans, size: 8 });
  }
  addInlineImage(content, fonts);
  addPatterns(document, content, fonts);
  addType3(document, content, fonts);
  document.addPage(A4, content);
}

function colourImages({ pdf }: Document): [string, Id][] {
  const add = (entries: Record<string, Value>, data: Uint8Array | string) =>
    pdf.addStream(
      { Type: '/XObject', Subtype: '/Image', Width: SIDE, Height: SIDE, BitsPerComponent: 8, ...entries },
      data,
    );
  const gray = samples(1, (x, y) => [x * y * 0.26]);
  const soft = add(
    { ColorSpace: '/DeviceGray' },
    samples(1, (x, y) => [255 - 16 * Math.hypot(x - 16, y - 16)]),
  );
  const tint = { FunctionType: 2, Domain: [0, 1], C0: [0, 0, 0, 0], C1: [0, 0.6, 1, 0.1], N: 1 };
  const palette = '<ff0000 00a000 0000ff ffd000>';
  const checks = packBits((x, y) => ((x >> 2) + (y >> 2)) % 2 === 0);
  const rgb = samples(3, (x, y) => [x * 8, y * 8, 255 - x * 8]);
  const hex = `${Buffer.from(rgb).toString('hex')}>`;
  return [
    ['DeviceRGB', add({ ColorSpace: '/DeviceRGB' }, rgb)],
    [
      'DeviceCMYK',
      add(
        { ColorSpace: '/DeviceCMYK' },
        samples(4, (x, y) => [x * 8, y * 8, 0, (x + y) * 1.5]),
      ),
    ],
    [
      'Indexed, 2 bits',
      add(
        { ColorSpace: ['/Indexed', '/DeviceRGB', 3, palette], BitsPerComponent: 2 },
        packTwoBits((x, y) => (x >> 3) ^ (y >> 3)),
      ),
    ],
    ['Separation', add({ ColorSpace: ['/Separation', '/Orange', '/DeviceCMYK', tint] }, gray)],
    [
      'Lab',
      add(
        { ColorSpace: ['/Lab', { WhitePoint: [0.9505, 1, 1.089], Range: [-100, 100, -100, 100] }] },
        samples(3, (x, y) => [180, x * 8, y * 8]),
      ),
    ],
    [
      '16 bits',
      add(
        { ColorSpace: '/DeviceGray', BitsPerComponent: 16 },
        samples(2, (x, y) => [x * 8, y * 8]),
      ),
    ],
    ['Decode inverted', add({ ColorSpace: '/DeviceGray', Decode: [1, 0] }, gray)],
    ['soft mask', add({ ColorSpace: '/DeviceRGB', SMask: ref(soft) }, rgb)],
    ['stencil', add({ ImageMask: 'true', BitsPerComponent: 1 }, checks)],
    ['colour key', add({ ColorSpace: '/DeviceRGB', Mask: [0, 90, 0, 255, 0, 255] }, rgb)],
    ['ASCIIHex', add({ ColorSpace: '/DeviceRGB', Filter: '/ASCIIHexDecode' }, hex)],
    [
      'RunLength',
      add(
        { ColorSpace: '/DeviceGray', Filter: '/RunLengthDecode' },
        runLength((y) => 255 - y * 7),
      ),
    ],
  ];
}

function samples(channels: number, at: (x: number, y: number) => number[]): Uint8Array {
  const data = new Uint8ClampedArray(SIDE * SIDE * channels);
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) data.set(at(x, y), (y * SIDE + x) * channels);
  return new Uint8Array(data.buffer);
}

function packBits(isSet: (x: number, y: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: (SIDE * SIDE) / 8 }, (_, index) => {
    const y = Math.floor(index / 4);
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) if (isSet((index % 4) * 8 + bit, y)) byte |= 0x80 >> bit;
    return byte;
  });
}

function packTwoBits(at: (x: number, y: number) => number): Uint8Array {
  return Uint8Array.from({ length: (SIDE * SIDE) / 4 }, (_, index) => {
    const [x, y] = [(index % 8) * 4, Math.floor(index / 8)];
    return [0, 1, 2, 3].reduce((byte, step) => (byte << 2) | (at(x + step, y) & 3), 0);
  });
}

/** Every row one run of 32, then the end mark (ISO 32000-2, 7.4.5). */
function runLength(grayOf: (y: number) => number): Uint8Array {
  return Uint8Array.from([...Array.from({ length: SIDE }, (_, y) => [257 - SIDE, grayOf(y)]).flat(), 128]);
}

function addInlineImage(content: Content, fonts: Fonts): void {
  content.out('q 60 0 0 60 55 280 cm BI /W 4 /H 4 /BPC 8 /CS /G /F /AHx ID 00408000 40ff40ff 8040c040 00c080ff> EI Q');
  content.text(55, 268, 'inline', { font: fonts.sans, size: 8 });
}

function addPatterns({ pdf }: Document, content: Content, fonts: Fonts): void {
  const base = { Type: '/Pattern', PatternType: 1, TilingType: 1, Resources: {} };
  const coloured = pdf.addStream(
    { ...base, PaintType: 1, BBox: [0, 0, 16, 16], XStep: 16, YStep: 16 },
    '0.9 0.3 0.2 rg 0 0 8 8 re f 0.2 0.4 0.8 rg 8 8 8 8 re f',
  );
  const plain = pdf.addStream(
    { ...base, PaintType: 2, BBox: [0, 0, 10, 10], XStep: 12, YStep: 12 },
    '1.5 w 0 0 m 10 10 l S',
  );
  const space = pdf.add(['/Pattern', '/DeviceRGB']);
  fillBox(content, { x: 150, y: 280, width: 120, height: 60 }, `/Pattern cs ${content.use('Pattern', coloured)} scn`);
  fillBox(
    content,
    { x: 290, y: 280, width: 120, height: 60 },
    `${content.use('ColorSpace', space)} cs 0.1 0.5 0.2 ${content.use('Pattern', plain)} scn`,
  );
  content.text(150, 268, 'tiling, coloured and uncoloured', { font: fonts.sans, size: 8 });
}

function fillBox(content: Content, { x, y, width, height }: Box, color: string): void {
  content.out('q', color, x, y, width, height, 're B Q');
}

function addType3({ pdf }: Document, content: Content, fonts: Fonts): void {
  const drop = pdf.addStream({}, '700 0 0 0 650 700 d1 325 700 m 600 300 620 0 325 0 c 30 0 50 300 325 700 c f');
  const bolt = pdf.addStream({}, '700 0 0 0 650 700 d1 400 700 m 100 300 l 300 300 l 200 0 l 550 420 l 330 420 l h f');
  const font = pdf.add({
    Type: '/Font',
    Subtype: '/Type3',
    FontBBox: [0, 0, 700, 700],
    FontMatrix: [0.001, 0, 0, 0.001, 0, 0],
    CharProcs: { drop: ref(drop), bolt: ref(bolt) },
    Encoding: { Type: '/Encoding', Differences: [97, '/drop', '/bolt'] },
    FirstChar: 97,
    LastChar: 98,
    Widths: [700, 700],
    Resources: {},
  });
  content.out('BT 0.1 0.4 0.7 rg', content.use('Font', font), '48 Tf 55 190 Td (abaab) Tj ET');
  content.text(55, 172, 'Type 3 font', { font: fonts.sans, size: 8 });
}
