import { A4, createContent, type Document, type Font } from './document.ts';
import { embedByPredefinedCmap, embedFont, FONT_FILES } from './fonts.ts';
import type { Fonts } from './fonts-in-use.ts';
import { ref } from './pdf-writer.ts';

const JAPANESE = [
  '水力発電所の水圧管路は、',
  '貯水池から水車へ水を導く',
  '鋼鉄の管である。',
  'ゆっくり開け、',
  'ゆっくり閉じること。',
];
const CHINESE = ['压力管道把水从水库', '引到水轮机。', '阀门关得太快，', '水锤会沿管道返回。'];
const KOREAN = ['압력 수관은 저수지의', '물을 터빈으로 보낸다.', '밸브는 천천히 닫는다.'];

/** Japanese, Chinese and Korean in embedded CFF subsets, reached by Identity-H. */
export function addCjkPage(document: Document, fonts: Fonts, scratch: string): void {
  const content = createContent();
  const { japanese, chinese, korean } = FONT_FILES;
  content.text(50, 780, 'The same pipe in three scripts', { font: fonts.bold, size: 18 });
  let y = 720;
  for (const [file, lines] of [
    [japanese, JAPANESE],
    [chinese, CHINESE],
    [korean, KOREAN],
  ] as const) {
    const font = embedFont(document.pdf, file, lines.join(''), scratch);
    content.rect({ x: 50, y: y - lines.length * 34 + 12, width: 6, height: lines.length * 34 }, '0.09 0.33 0.55');
    for (const line of lines) {
      content.text(75, y, line, { font, size: 24 });
      y -= 34;
    }
    y -= 30;
  }
  document.addPage(A4, content);
}

const ACROSS = ['春の水は冷たく、', '夏の水はぬるい。', '秋の川は静かで、', '冬の川は眠る。'];
const DOWN = ['山から海へ水は流れ', '人はその力を借りる'];

/** Japanese whose codes only the predefined CMaps UniJIS-UTF16-H and -V explain, across and downwards. */
export function addPredefinedCmapPage(document: Document, fonts: Fonts, scratch: string): void {
  const content = createContent();
  content.text(50, 780, 'By predefined CMaps, across and down', { font: fonts.bold, size: 18 });
  const across = embedByPredefinedCmap(document.pdf, 'UniJIS-UTF16-H', {
    file: FONT_FILES.mincho,
    text: ACROSS.join(''),
    scratch,
  });
  for (const [index, line] of ACROSS.entries()) content.text(60, 700 - index * 50, line, { font: across, size: 34 });
  const down = embedByPredefinedCmap(document.pdf, 'UniJIS-UTF16-V', {
    file: FONT_FILES.mincho,
    text: DOWN.join(''),
    scratch,
  });
  for (const [index, line] of DOWN.entries())
    content.text(500 - index * 60, 700, line, { font: down, size: 40, color: '0.5 0.1 0.1' });
  document.addPage(A4, content);
}

/** The four Adobe collections by name only: whether anything shows depends on the fonts of the reader's machine. */
export function addCjkNotEmbeddedPage(document: Document, fonts: Fonts): void {
  const content = createContent();
  content.text(50, 780, 'CJK fonts that are not embedded', { font: fonts.bold, size: 18 });
  const samples = [
    ['HeiseiKakuGo-W5', 'Japan1', 'UniJIS-UTF16-H', JAPANESE],
    ['STSong-Light', 'GB1', 'UniGB-UTF16-H', CHINESE],
    ['MSung-Light', 'CNS1', 'UniCNS-UTF16-H', ['壓力管道將水從水庫', '引到水輪機。']],
    ['HYSMyeongJo-Medium', 'Korea1', 'UniKS-UTF16-H', KOREAN],
  ] as const;
  let y = 720;
  for (const [name, ordering, cmap, lines] of samples) {
    const font = namedCjkFont(document, { name, ordering, cmap });
    for (const line of lines) {
      content.text(75, y, line, { font, size: 22 });
      y -= 30;
    }
    y -= 24;
  }
  document.addPage(A4, content);
}

function namedCjkFont(
  { pdf }: Document,
  { name, ordering, cmap }: { name: string; ordering: string; cmap: string },
): Font {
  const shape = {
    Flags: 6,
    FontBBox: [-10, -200, 1000, 900],
    ItalicAngle: 0,
    Ascent: 880,
    Descent: -120,
    CapHeight: 740,
    StemV: 80,
  };
  const descriptor = pdf.add({ Type: '/FontDescriptor', FontName: `/${name}`, ...shape });
  const info = { Registry: '(Adobe)', Ordering: `(${ordering})`, Supplement: 1 };
  const base = { Type: '/Font', BaseFont: `/${name}` };
  const descendant = pdf.add({
    ...base,
    Subtype: '/CIDFontType0',
    CIDSystemInfo: info,
    FontDescriptor: ref(descriptor),
    DW: 1000,
  });
  const id = pdf.add({ ...base, Subtype: '/Type0', Encoding: `/${cmap}`, DescendantFonts: [ref(descendant)] });
  return {
    id,
    encode: (text) => `<${Buffer.from(text, 'utf16le').swap16().toString('hex')}>`,
    width: (text) => [...text].length * 1000,
  };
}
