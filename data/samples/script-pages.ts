import { A4, createContent, type Document } from './document.ts';
import { embedByCmap, embedFont, FONT_FILES, type PredefinedCmap } from './fonts.ts';
import type { Fonts } from './fonts-in-use.ts';

export const JAPANESE = [
  '水力発電所の水圧管路は、',
  '貯水池から水車へ水を導く',
  '鋼鉄の管である。',
  'ゆっくり開け、',
  'ゆっくり閉じること。',
];
export const CHINESE = ['压力管道把水从水库', '引到水轮机。', '阀门关得太快，', '水锤会沿管道返回。'];
export const KOREAN = ['압력 수관은 저수지의', '물을 터빈으로 보낸다.', '밸브는 천천히 닫는다.'];

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

/** Shift-JIS as Windows has it: the CMap of most Japanese documents. */
export const SHIFT_JIS: PredefinedCmap = { name: '90ms-RKSJ', codeOf: createShiftJis() };

/** Many kanji have two codes here, since a radical of the same shape has one too, and readers take the wrong one. */
export const UTF_16: PredefinedCmap = {
  name: 'UniJIS-UTF16',
  codeOf: (character) => Buffer.from(character, 'utf16le').swap16().toString('hex'),
};

/** Japanese whose codes only a predefined CMap explains, across and downwards. */
export function addPredefinedCmapPage(document: Document, fonts: Fonts, cmap: PredefinedCmap, scratch: string): void {
  const content = createContent();
  content.text(50, 780, `By the CMap ${cmap.name}, across and down`, { font: fonts.bold, size: 18 });
  const [file, embed] = [FONT_FILES.mincho, embedByCmap];
  const across = embed(document.pdf, cmap, { file, text: ACROSS.join(''), direction: 'H', scratch });
  for (const [index, line] of ACROSS.entries()) content.text(60, 700 - index * 50, line, { font: across, size: 34 });
  const down = embed(document.pdf, cmap, { file, text: DOWN.join(''), direction: 'V', scratch });
  const style = { font: down, size: 40, color: '0.5 0.1 0.1' };
  for (const [index, line] of DOWN.entries()) content.text(500 - index * 60, 700, line, style);
  document.addPage(A4, content);
}

/** The inverse of the decoder that Node has. */
function createShiftJis(): (character: string) => string {
  const decoder = new TextDecoder('shift_jis');
  const codes = new Map<string, string>();
  for (let code = 0x8140; code <= 0x9fff; code++) {
    const bytes = Uint8Array.of(code >> 8, code & 255);
    codes.set(decoder.decode(bytes), code.toString(16));
  }
  return (character) => {
    const code = codes.get(character);
    if (!code) throw new Error(`${character} is not in the first half of Shift-JIS`);
    return code;
  };
}
