import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renumberCids, sfntTable } from './cff.ts';
import type { Font } from './document.ts';
import { type PdfWriter, ref, type Value } from './pdf-writer.ts';

/** A font file of a Debian package and the PostScript name it goes by inside a document. */
export interface FontFile {
  readonly path: string;
  readonly face?: number;
  readonly name: string;
  readonly outlines: 'TrueType' | 'CFF';
  readonly unitsPerEm: number;
}

const DEJAVU = '/usr/share/fonts/truetype/dejavu';
const NOTO = '/usr/share/fonts/opentype/noto';

/** fonts-dejavu-core (Bitstream Vera licence) and fonts-noto-cjk (SIL OFL 1.1): both allow subsets inside documents. */
export const FONT_FILES = {
  sans: { path: `${DEJAVU}/DejaVuSans.ttf`, name: 'DejaVuSans', outlines: 'TrueType', unitsPerEm: 2048 },
  bold: { path: `${DEJAVU}/DejaVuSans-Bold.ttf`, name: 'DejaVuSans-Bold', outlines: 'TrueType', unitsPerEm: 2048 },
  serif: { path: `${DEJAVU}/DejaVuSerif.ttf`, name: 'DejaVuSerif', outlines: 'TrueType', unitsPerEm: 2048 },
  japanese: {
    path: `${NOTO}/NotoSansCJK-Regular.ttc`,
    face: 0,
    name: 'NotoSansCJKjp',
    outlines: 'CFF',
    unitsPerEm: 1000,
  },
  korean: {
    path: `${NOTO}/NotoSansCJK-Regular.ttc`,
    face: 1,
    name: 'NotoSansCJKkr',
    outlines: 'CFF',
    unitsPerEm: 1000,
  },
  chinese: {
    path: `${NOTO}/NotoSansCJK-Regular.ttc`,
    face: 2,
    name: 'NotoSansCJKsc',
    outlines: 'CFF',
    unitsPerEm: 1000,
  },
  mincho: {
    path: `${NOTO}/NotoSerifCJK-Regular.ttc`,
    face: 0,
    name: 'NotoSerifCJKjp',
    outlines: 'CFF',
    unitsPerEm: 1000,
  },
} as const satisfies Record<string, FontFile>;

export const LATIN = `${String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index))}äöüÄÖÜßéèñ°²³–—‘’“”•→×·`;

interface Glyph {
  readonly id: number;
  /** 1/1000 of the font size. */
  readonly width: number;
}

/** A subset of `characters` as a composite font whose codes are the glyph numbers of the whole font. */
export function embedFont(pdf: PdfWriter, file: FontFile, characters: string, scratch: string): Font {
  const glyphs = lookUp(file, characters, scratch);
  const subset = subsetOf(file, characters, scratch);
  const descendant = descendantFont(pdf, file, { subset, widths: [...glyphs.values()], ordering: 'Identity' });
  const toUnicode = pdf.addStream({}, toUnicodeMap(glyphs));
  const id = pdf.add({ ...type0(file, '/Identity-H', descendant), ToUnicode: ref(toUnicode) });
  return {
    id,
    encode: (text) => `<${[...text].map((character) => hex(glyphOf(glyphs, character).id)).join('')}>`,
    width: (text) => sum([...text].map((character) => glyphOf(glyphs, character).width)),
  };
}

/** A predefined CMap (ISO 32000-2, 9.7.5.2) without its direction, and what its codes are made of. */
export interface PredefinedCmap {
  readonly name: '90ms-RKSJ' | 'UniJIS-UTF16';
  /** A character's code in hexadecimal. */
  readonly codeOf: (character: string) => string;
}

/** Past the end of Adobe-Japan1. */
const FIRST_UNUSED_CID = 60_000;

/** A subset that is only reachable by way of a predefined CMap: its glyphs are numbered by Adobe-Japan1. */
export function embedByCmap(
  pdf: PdfWriter,
  { name, codeOf }: PredefinedCmap,
  use: { file: FontFile; text: string; direction: 'H' | 'V'; scratch: string },
): Font {
  const characters = [...new Set(use.text)].sort();
  const cidOf = readCmap(name);
  const glyphs = lookUp(use.file, characters.join(''), use.scratch);
  const cids = new Map(characters.map((character) => [glyphOf(glyphs, character).id, cidOf(codeOf(character))]));
  const font = subsetOf(use.file, characters.join(''), use.scratch);
  const count = sfntTable(font, 'maxp').readUInt16BE(4);
  // Variants that came along with a character are out of the text's reach, wherever they go.
  const renumber = (cid: number) => cids.get(cid) ?? FIRST_UNUSED_CID + (cid % 1000);
  const subset = renumberCids(sfntTable(font, 'CFF '), count, renumber);
  const widths = [...glyphs.values()].map(({ id, width }) => ({ id: renumber(id), width }));
  const descendant = descendantFont(pdf, use.file, { subset, widths, ordering: 'Japan1' });
  return {
    id: pdf.add(type0(use.file, `/${name}-${use.direction}`, descendant)),
    encode: (text) => `<${[...text].map(codeOf).join('')}>`,
    width: (text) => sum([...text].map((character) => glyphOf(glyphs, character).width)),
  };
}

/** One of the 14 standard fonts, not embedded; `metrics` is a file with the same widths. */
export function standardFont(pdf: PdfWriter, name: string, metrics: string, scratch: string): Font {
  const path = `/usr/share/fonts/truetype/liberation/${metrics}.ttf`;
  const glyphs = lookUp({ path, name, outlines: 'TrueType', unitsPerEm: 2048 }, LATIN, scratch);
  const encoding: Record<string, Value> = /Symbol|Dingbats/.test(name) ? {} : { Encoding: '/WinAnsiEncoding' };
  return {
    id: pdf.add({ Type: '/Font', Subtype: '/Type1', BaseFont: `/${name}`, ...encoding }),
    encode: (text) => `<${Buffer.from(text, 'latin1').toString('hex')}>`,
    width: (text) => sum([...text].map((character) => glyphOf(glyphs, character).width)),
  };
}

function type0(file: FontFile, encoding: string, descendant: number): Record<string, Value> {
  const base = `/PENSTK+${file.name}`;
  return { Type: '/Font', Subtype: '/Type0', BaseFont: base, Encoding: encoding, DescendantFonts: [ref(descendant)] };
}

function descendantFont(
  pdf: PdfWriter,
  file: FontFile,
  { subset, widths, ordering }: { subset: Buffer; widths: readonly Glyph[]; ordering: string },
): number {
  const isCff = file.outlines === 'CFF';
  const program = isCff && ordering === 'Identity' ? sfntTable(subset, 'CFF ') : subset;
  const stream = pdf.addStream(isCff ? { Subtype: '/CIDFontType0C' } : { Length1: program.length }, program);
  const name = `/PENSTK+${file.name}`;
  const shape = {
    Flags: 4,
    FontBBox: [-1000, -400, 2000, 1300],
    ItalicAngle: 0,
    Ascent: 900,
    Descent: -240,
    CapHeight: 730,
    StemV: 80,
  };
  const key = isCff ? 'FontFile3' : 'FontFile2';
  const descriptor = pdf.add({ Type: '/FontDescriptor', FontName: name, ...shape, [key]: ref(stream) });
  return pdf.add({
    Type: '/Font',
    Subtype: isCff ? '/CIDFontType0' : '/CIDFontType2',
    BaseFont: name,
    CIDSystemInfo: { Registry: '(Adobe)', Ordering: `(${ordering})`, Supplement: ordering === 'Identity' ? 0 : 6 },
    FontDescriptor: ref(descriptor),
    DW: 1000,
    W: widths.flatMap(({ id, width }): Value[] => [id, [Math.round(width)]]),
    ...(isCff ? {} : { CIDToGIDMap: '/Identity' }),
  });
}

/** hb-shape prints one JSON array a line for one character a line. */
function lookUp(file: FontFile, characters: string, scratch: string): Map<string, Glyph> {
  const list = [...new Set(characters)];
  const args = ['--no-glyph-names', '--output-format=json', '--features=-kern,-liga', faceOf(file), '--text-file=-'];
  const printed = execFileSync('hb-shape', [`--font-file=${file.path}`, ...args], {
    input: list.join('\n'),
    cwd: scratch,
  });
  const lines = printed.toString().trim().split('\n');
  return new Map(
    list.map((character, index) => {
      const [glyph] = JSON.parse(lines[index] ?? '[]') as { g: number; ax: number }[];
      if (!glyph) throw new Error(`${file.name} has no glyph for ${character}`);
      return [character, { id: glyph.g, width: (glyph.ax * 1000) / file.unitsPerEm }];
    }),
  );
}

function subsetOf(file: FontFile, characters: string, scratch: string): Buffer {
  const target = join(scratch, `${file.name}.subset`);
  const unicodes = [...new Set(characters)].map((character) => character.codePointAt(0)?.toString(16)).join(',');
  const keep = file.outlines === 'CFF' ? [] : ['--retain-gids'];
  const drop = ['--no-hinting', '--layout-features-=*', '--drop-tables+=GSUB,GPOS,GDEF,name,post,OS/2,cmap'];
  const args = [...keep, ...drop, faceOf(file), `--unicodes=${unicodes}`, `--output-file=${target}`];
  execFileSync('hb-subset', [`--font-file=${file.path}`, ...args]);
  return readFileSync(target);
}

function faceOf(file: FontFile): string {
  return `--face-index=${file.face ?? 0}`;
}

/** From the CMap resources of poppler-data: the CID of a code in hexadecimal. */
function readCmap(name: string): (code: string) => number {
  const source = readFileSync(`/usr/share/poppler/cMap/Adobe-Japan1/${name}-H`, 'latin1');
  const ranges = [...source.matchAll(/^<([0-9a-f]{4})>(?:\s*<([0-9a-f]{4})>)?\s+(\d+)$/gim)].map((match) => {
    const from = Number.parseInt(match[1] ?? '', 16);
    return { from, to: match[2] ? Number.parseInt(match[2], 16) : from, cid: Number(match[3]) };
  });
  return (code) => {
    const number = Number.parseInt(code, 16);
    const range = ranges.find(({ from, to }) => number >= from && number <= to);
    if (!range) throw new Error(`${name} has no code ${code}`);
    return range.cid + number - range.from;
  };
}

function toUnicodeMap(glyphs: ReadonlyMap<string, Glyph>): string {
  const pairs = [...glyphs].map(([character, { id }]) => {
    return `<${hex(id)}> <${Buffer.from(character, 'utf16le').swap16().toString('hex')}>`;
  });
  const blocks: string[] = [];
  // At most 100 entries may stand in one block.
  for (let at = 0; at < pairs.length; at += 100) {
    const block = pairs.slice(at, at + 100);
    blocks.push(`${block.length} beginbfchar\n${block.join('\n')}\nendbfchar`);
  }
  return [
    '/CIDInit /ProcSet findresource begin 12 dict begin begincmap',
    '/CMapName /Adobe-Identity-UCS def /CMapType 2 def',
    '1 begincodespacerange <0000> <ffff> endcodespacerange',
    ...blocks,
    'endcmap CMapName currentdict /CMap defineresource pop end end',
  ].join('\n');
}

function glyphOf(glyphs: ReadonlyMap<string, Glyph>, character: string): Glyph {
  const glyph = glyphs.get(character);
  if (!glyph) throw new Error(`the font was embedded without ${JSON.stringify(character)}`);
  return glyph;
}

function hex(id: number): string {
  return id.toString(16).padStart(4, '0');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
