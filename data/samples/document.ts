import { createPdfWriter, type Id, type PdfWriter, ref, serialize, textString, type Value } from './pdf-writer.ts';

/** A font as a page uses it: how a text becomes the operand of Tj, and how wide it is, in 1/1000 of the size. */
export interface Font {
  readonly id: Id;
  readonly encode: (text: string) => string;
  readonly width: (text: string) => number;
}

export type ResourceKind = 'Font' | 'XObject' | 'ExtGState' | 'Shading' | 'Pattern' | 'ColorSpace' | 'Properties';

export interface TextStyle {
  readonly font: Font;
  readonly size: number;
  /** Fill colour, three numbers 0 to 1 as the operator rg takes them. */
  readonly color?: string;
  readonly align?: 'left' | 'center' | 'right';
}

/** A content stream under construction, of a page or a form; the origin is bottom left, in points. */
export interface Content {
  readonly out: (...operators: (string | number)[]) => void;
  /** Makes an object usable here and returns its name, with the slash. */
  readonly use: (kind: ResourceKind, id: Id) => string;
  readonly text: (x: number, y: number, text: string, style: TextStyle) => void;
  /** Breaks the text into lines of at most `width`; returns the y below the last one. */
  readonly paragraph: (box: { x: number; y: number; width: number }, text: string, style: TextStyle) => number;
  readonly rect: (box: Box, color: string) => void;
  readonly image: (box: Box, id: Id) => void;
  readonly operators: () => string;
  readonly resources: () => Readonly<Record<string, Value>>;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Document {
  readonly pdf: PdfWriter;
  /** Appends a page of this size; `extra` goes into its dictionary. */
  readonly addPage: (size: { width: number; height: number }, content: Content, extra?: Record<string, Value>) => Id;
  readonly finish: (catalog?: Record<string, Value>) => Buffer;
}

export const A4 = { width: 595.276, height: 841.89 };
export const LETTER = { width: 612, height: 792 };

export function createDocument(title: string): Document {
  const pdf = createPdfWriter();
  const tree = pdf.reserve();
  const pages: Id[] = [];
  return {
    pdf,
    addPage: ({ width, height }, content, extra = {}) => {
      const stream = pdf.addStream({}, content.operators());
      const box = { Parent: ref(tree), MediaBox: [0, 0, width, height] };
      const page = { Type: '/Page', ...box, Resources: content.resources(), Contents: ref(stream), ...extra };
      pages.push(pdf.add(page));
      return pages.length;
    },
    finish: (catalog = {}) => {
      pdf.add({ Type: '/Pages', Kids: pages.map(ref), Count: pages.length }, tree);
      const metadata = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">${title}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`;
      const xmp = pdf.addStream({ Type: '/Metadata', Subtype: '/XML' }, metadata);
      return pdf.finish({ Pages: ref(tree), Metadata: ref(xmp), Lang: textString('en'), ...catalog });
    },
  };
}

export function createContent(): Content {
  const lines: string[] = [];
  const used = new Map<ResourceKind, Map<string, string>>();
  const out = (...operators: (string | number)[]) => {
    lines.push(operators.map(serialize).join(' '));
  };
  const use = (kind: ResourceKind, id: Id) => {
    const names = used.get(kind) ?? new Map<string, string>();
    used.set(kind, names.set(`R${id}`, ref(id)));
    return `/R${id}`;
  };
  const text: Content['text'] = (x, y, string, { font, size, color = '0 0 0', align = 'left' }) => {
    const width = (font.width(string) * size) / 1000;
    const start = align === 'left' ? x : align === 'right' ? x - width : x - width / 2;
    out('BT', color, 'rg', use('Font', font.id), size, 'Tf', start, y, 'Td', font.encode(string), 'Tj ET');
  };
  return {
    out,
    use,
    text,
    paragraph: ({ x, y, width }, words, style) => {
      let baseline = y;
      for (const line of breakLines(words, width, style)) {
        text(x, baseline, line, style);
        baseline -= style.size * 1.4;
      }
      return baseline;
    },
    rect: ({ x, y, width, height }, color) => out(color, 'rg', x, y, width, height, 're f'),
    image: ({ x, y, width, height }, id) => out('q', width, 0, 0, height, x, y, 'cm', use('XObject', id), 'Do Q'),
    operators: () => lines.join('\n'),
    resources: () => Object.fromEntries([...used].map(([kind, names]) => [kind, Object.fromEntries(names)])),
  };
}

function breakLines(text: string, width: number, { font, size }: TextStyle): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && (font.width(longer) * size) / 1000 > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return line === '' ? lines : [...lines, line];
}
