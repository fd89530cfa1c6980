import { A4, type Content, createContent, type Document, type Font } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { type Id, literal, ref, type Value } from './pdf-writer.ts';

/** Form fields and annotations with appearances of their own; returns what the catalog needs of the form. */
export function addFormPage(document: Document, fonts: Fonts): Record<string, Value> {
  const content = createContent();
  content.text(50, 780, 'Report of a walk along the pipe', { font: fonts.bold, size: 18 });
  const labels = ['Name', 'Date', 'Section', 'Dry', 'Wet', 'Remarks'];
  for (const [index, label] of labels.entries())
    content.text(60, 728 - index * 45, label, { font: fonts.sans, size: 12 });
  content.text(60, 398, 'This sentence is highlighted, this one underlined, this one struck out.', {
    font: fonts.serif,
    size: 13,
  });
  const fields = [
    textField(document, fonts.helvetica, { name: 'name', value: 'A. Lindqvist', rect: [150, 718, 400, 742] }),
    textField(document, fonts.helvetica, { name: 'date', value: '14 March', rect: [150, 673, 300, 697] }),
    textField(document, fonts.helvetica, { name: 'section', value: 'rings 20 to 40', rect: [150, 628, 400, 652] }),
    checkBox(document, { name: 'dry', isOn: true, rect: [150, 583, 170, 603] }),
    checkBox(document, { name: 'wet', isOn: false, rect: [150, 538, 170, 558] }),
    textField(document, fonts.helvetica, { name: 'remarks', value: 'seal weeps', rect: [150, 470, 500, 514] }),
  ];
  const annotations = [...fields, ...marks(document, fonts)];
  document.addPage(A4, content, { Annots: annotations.map(ref) });
  return {
    AcroForm: {
      Fields: fields.map(ref),
      DA: literal('/Helv 12 Tf 0 g'),
      DR: { Font: { Helv: ref(fonts.helvetica.id) } },
    },
  };
}

type Rect = readonly [number, number, number, number];

function appearance(
  { pdf }: Document,
  [left, bottom, right, top]: Rect,
  draw: (content: Content) => void,
  extra: Record<string, Value> = {},
): Id {
  const content = createContent();
  draw(content);
  const box = { BBox: [0, 0, right - left, top - bottom], Resources: content.resources() };
  return pdf.addStream({ Type: '/XObject', Subtype: '/Form', ...box, ...extra }, content.operators());
}

function textField(
  document: Document,
  font: Font,
  { name, value, rect }: { name: string; value: string; rect: Rect },
): Id {
  const [width, height] = [rect[2] - rect[0], rect[3] - rect[1]];
  const normal = appearance(document, rect, (content) => {
    content.rect({ x: 0, y: 0, width, height }, '0.93 0.96 1');
    content.out('0.3 0.4 0.6 RG 1 w 0.5 0.5', width - 1, height - 1, 're S /Tx BMC');
    content.text(5, height / 2 - 4, value, { font, size: 12, color: '0 0 0.4' });
    content.out('EMC');
  });
  return widget(document, rect, {
    FT: '/Tx',
    T: literal(name),
    V: literal(value),
    DA: literal('/Helv 12 Tf 0 0 0.4 rg'),
    AP: { N: ref(normal) },
  });
}

function checkBox(document: Document, { name, isOn, rect }: { name: string; isOn: boolean; rect: Rect }): Id {
  const box = (content: Content) => content.out('1 g 0.2 G 1.5 w 1 1 18 18 re B');
  const on = appearance(document, rect, (content) => {
    box(content);
    content.out('0 0.5 0.1 RG 3 w 4 10 m 8 5 l 16 16 l S');
  });
  const off = appearance(document, rect, box);
  const state = isOn ? '/Yes' : '/Off';
  return widget(document, rect, {
    FT: '/Btn',
    T: literal(name),
    V: state,
    AS: state,
    AP: { N: { Yes: ref(on), Off: ref(off) } },
  });
}

function widget({ pdf }: Document, rect: Rect, entries: Record<string, Value>): Id {
  return pdf.add({ Type: '/Annot', Subtype: '/Widget', Rect: rect, F: 4, ...entries });
}

function marks(document: Document, fonts: Fonts): Id[] {
  const multiply = document.pdf.add({ Type: '/ExtGState', BM: '/Multiply' });
  const group = { Group: { S: '/Transparency', CS: '/DeviceRGB' } };
  const highlight: Rect = [58, 394, 252, 412];
  const underline: Rect = [257, 392, 379, 412];
  const strike: Rect = [386, 394, 517, 412];
  const square: Rect = [60, 250, 260, 350];
  const ink: Rect = [300, 250, 520, 350];
  const stamp: Rect = [150, 110, 450, 220];
  return [
    mark(
      document,
      'Highlight',
      highlight,
      (content) => {
        content.out(content.use('ExtGState', multiply), 'gs 1 0.9 0.2 rg 0 0 194 18 re f');
      },
      group,
    ),
    mark(document, 'Underline', underline, (content) => content.out('0.1 0.6 0.2 RG 1.5 w 0 2 m 122 2 l S')),
    mark(document, 'StrikeOut', strike, (content) => content.out('0.8 0.1 0.1 RG 1.5 w 0 7 m 131 7 l S')),
    mark(document, 'Square', square, (content) => content.out('0.95 0.9 1 rg 0.4 0.1 0.6 RG 3 w 3 3 194 94 re B')),
    mark(document, 'Ink', ink, (content) =>
      content.out('0.1 0.1 0.7 RG 2.5 w 1 J 10 20 m 60 120 80 -40 120 60 c 160 110 170 10 210 70 c S'),
    ),
    mark(document, 'Stamp', stamp, (content) => {
      content.out('q 0.985 0.173 -0.173 0.985 18 0 cm 0.75 0.05 0.05 RG 4 w 10 5 260 45 re S');
      content.text(140, 17, 'RECEIVED', { font: fonts.bold, size: 30, color: '0.75 0.05 0.05', align: 'center' });
      content.out('Q');
    }),
  ];
}

function mark(
  document: Document,
  subtype: string,
  rect: Rect,
  draw: (content: Content) => void,
  extra: Record<string, Value> = {},
): Id {
  const normal = appearance(document, rect, draw, extra);
  const [left, bottom, right, top] = rect;
  const quad = { QuadPoints: [left, top, right, top, left, bottom, right, bottom] };
  const strokes: Record<string, Value> = subtype === 'Ink' ? { InkList: [[left, bottom, right, top]] } : {};
  return document.pdf.add({
    Type: '/Annot',
    Subtype: `/${subtype}`,
    Rect: rect,
    F: 4,
    C: [1, 0.9, 0.2],
    ...quad,
    ...strokes,
    AP: { N: ref(normal) },
  });
}
