import { A4, type Content, createContent, type Document } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { ref } from './pdf-writer.ts';
import { circle, PALETTE } from './shapes.ts';

const BLEND_MODES = [
  'Normal',
  'Multiply',
  'Screen',
  'Overlay',
  'Darken',
  'Lighten',
  'ColorDodge',
  'ColorBurn',
  'HardLight',
  'SoftLight',
  'Difference',
  'Exclusion',
  'Hue',
  'Saturation',
  'Color',
  'Luminosity',
] as const;

/** Blend modes, constant alpha, a soft mask, an isolated group, axial and radial shadings. */
export function addTransparencyPage(document: Document, fonts: Fonts): void {
  const { pdf } = document;
  const content = createContent();
  const rainbow = pdf.add({
    FunctionType: 3,
    Domain: [0, 1],
    Bounds: [0.33, 0.66],
    Encode: [0, 1, 0, 1, 0, 1],
    Functions: [ramp('1 0.2 0.1', '1 0.9 0.1'), ramp('1 0.9 0.1', '0.1 0.7 0.4'), ramp('0.1 0.7 0.4', '0.2 0.2 0.8')],
  });
  const axial = pdf.add({
    ShadingType: 2,
    ColorSpace: '/DeviceRGB',
    Coords: [50, 0, 545, 0],
    Function: ref(rainbow),
    Extend: '[true true]',
  });
  const radial = pdf.add({
    ShadingType: 3,
    ColorSpace: '/DeviceRGB',
    Coords: [120, 170, 5, 140, 150, 90],
    Function: ref(rainbow),
  });
  content.text(50, 790, 'Blend modes, soft masks, shadings', { font: fonts.bold, size: 18 });
  content.out('q 50 380 495 390 re W n', content.use('Shading', axial), 'sh Q');
  for (const [index, mode] of BLEND_MODES.entries()) {
    const [x, y] = [65 + (index % 4) * 122, 680 - Math.floor(index / 4) * 95];
    const state = pdf.add({ Type: '/ExtGState', BM: `/${mode}`, ca: 0.9 });
    content.out(
      'q',
      content.use('ExtGState', state),
      'gs 0.2 0.5 0.9 rg',
      x,
      y,
      '70 60 re f 0.9 0.8 0.3 rg',
      x + 35,
      y - 18,
      '70 60 re f Q',
    );
    content.text(x, y + 64, mode, { font: fonts.sans, size: 9 });
  }
  content.out('q 50 60 180 200 re W n', content.use('Shading', radial), 'sh Q');
  addSoftMask(document, content);
  const glass = pdf.add({ Type: '/ExtGState', ca: 0.35, CA: 0.5 });
  content.out('q', content.use('ExtGState', glass), 'gs');
  for (let index = 0; index < 6; index++)
    content.out(PALETTE[index % 5] ?? '', 'rg', 490, 100 + index * 22, 'm', circle(450, 100 + index * 22, 40), 'f');
  content.out('Q');
  content.text(60, 300, 'radial', { font: fonts.sans, size: 10 });
  content.text(260, 300, 'mask by luminosity', { font: fonts.sans, size: 10 });
  content.text(410, 300, 'alpha 0.35', { font: fonts.sans, size: 10 });
  document.addPage(A4, content, { Group: { Type: '/Group', S: '/Transparency', CS: '/DeviceRGB' } });
}

function addSoftMask({ pdf }: Document, content: Content): void {
  const fade = pdf.add({
    ShadingType: 2,
    ColorSpace: '/DeviceGray',
    Coords: [250, 70, 250, 280],
    Function: { FunctionType: 2, Domain: [0, 1], C0: [0], C1: [1], N: 1 },
    Extend: '[true true]',
  });
  const group = { S: '/Transparency', CS: '/DeviceGray', I: 'true' };
  const form = { Type: '/XObject', Subtype: '/Form', BBox: [0, 0, 595, 842], Group: group };
  const mask = pdf.addStream({ ...form, Resources: { Shading: { Fade: ref(fade) } } }, '/Fade sh');
  const state = pdf.add({ Type: '/ExtGState', SMask: { Type: '/Mask', S: '/Luminosity', G: ref(mask) } });
  content.out(
    'q',
    content.use('ExtGState', state),
    'gs 0.5 0 0.4 rg 250 70 130 210 re f 1 1 1 rg 270 100 90 20 re f 270 200 90 20 re f Q',
  );
}

function ramp(from: string, to: string): Record<string, string | number | number[]> {
  return { FunctionType: 2, Domain: [0, 1], C0: `[${from}]`, C1: `[${to}]`, N: 1 };
}
