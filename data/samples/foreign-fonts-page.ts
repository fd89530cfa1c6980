import { A4, createContent, type Document, type Font } from './document.ts';
import type { Fonts } from './fonts-in-use.ts';
import { type Id, literal, ref } from './pdf-writer.ts';
import { CHINESE, JAPANESE, KOREAN } from './script-pages.ts';

/** Bits of a font descriptor's Flags (ISO 32000-2, table 121). */
const [FIXED_PITCH, SERIF, SYMBOLIC, NONSYMBOLIC, ITALIC] = [1, 2, 4, 32, 64];

/** Latin fonts that are no standard ones and not embedded, then CJK: what shows depends on the reader's machine. */
export function addForeignFontsPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 780, 'Fonts that are not embedded', { font: fonts.bold, size: 18 });
  let y = 740;
  for (const [name, flags] of [
    ['Frutiger-Roman', NONSYMBOLIC],
    ['Garamond', NONSYMBOLIC | SERIF],
    ['Garamond-Italic', NONSYMBOLIC | SERIF | ITALIC],
    ['LetterGothic', NONSYMBOLIC | FIXED_PITCH],
  ] as const) {
    const font = latinFont(document, fonts, { name, flags });
    content.out('BT 0 g', content.use('Font', font), '20 Tf 75', y, 'Td', literal(`${name}: water, 0123`), 'Tj ET');
    y -= 32;
  }
  for (const [name, ordering, cmap, lines] of [
    ['HeiseiKakuGo-W5', 'Japan1', 'UniJIS-UTF16-H', JAPANESE],
    ['STSong-Light', 'GB1', 'UniGB-UTF16-H', CHINESE],
    ['MSung-Light', 'CNS1', 'UniCNS-UTF16-H', ['壓力管道將水從水庫', '引到水輪機。']],
    ['HYSMyeongJo-Medium', 'Korea1', 'UniKS-UTF16-H', KOREAN],
  ] as const) {
    const font = cjkFont(document, { name, ordering, cmap });
    y -= 20;
    for (const line of lines) {
      content.text(75, y, line, { font, size: 22 });
      y -= 30;
    }
  }
  document.addPage(A4, content);
}

/** The widths are Helvetica's or Courier's, whatever the name. */
function latinFont({ pdf }: Document, fonts: Fonts, { name, flags }: { name: string; flags: number }): Id {
  const metrics = (flags & FIXED_PITCH) === 0 ? fonts.helvetica : fonts.courier;
  const widths = Array.from({ length: 95 }, (_, index) => Math.round(metrics.width(String.fromCharCode(32 + index))));
  const range = { FirstChar: 32, LastChar: 126, Widths: widths, Encoding: '/WinAnsiEncoding' };
  const descriptor = ref(addDescriptor({ pdf }, name, flags));
  return pdf.add({ Type: '/Font', Subtype: '/TrueType', BaseFont: `/${name}`, FontDescriptor: descriptor, ...range });
}

function cjkFont(
  document: Pick<Document, 'pdf'>,
  { name, ordering, cmap }: { name: string; ordering: string; cmap: string },
): Font {
  const { pdf } = document;
  const descriptor = addDescriptor(document, name, SYMBOLIC);
  const info = { Registry: '(Adobe)', Ordering: `(${ordering})`, Supplement: 1 };
  const base = { Type: '/Font', BaseFont: `/${name}` };
  const shape = { CIDSystemInfo: info, FontDescriptor: ref(descriptor), DW: 1000 };
  const descendant = pdf.add({ ...base, Subtype: '/CIDFontType0', ...shape });
  const id = pdf.add({ ...base, Subtype: '/Type0', Encoding: `/${cmap}`, DescendantFonts: [ref(descendant)] });
  return {
    id,
    encode: (text) => `<${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`,
    width: (text) => [...text].length * 1000,
  };
}

function addDescriptor({ pdf }: Pick<Document, 'pdf'>, name: string, flags: number): Id {
  const shape = {
    FontBBox: [-10, -200, 1000, 900],
    ItalicAngle: 0,
    Ascent: 880,
    Descent: -120,
    CapHeight: 740,
    StemV: 80,
  };
  return pdf.add({ Type: '/FontDescriptor', FontName: `/${name}`, Flags: flags, ...shape });
}
