import type { Font } from './document.ts';
import { embedFont, FONT_FILES, LATIN, standardFont } from './fonts.ts';
import type { PdfWriter } from './pdf-writer.ts';

/** The Latin fonts that most pages share: three embedded subsets and three of the standard fonts. */
export interface Fonts {
  readonly sans: Font;
  readonly bold: Font;
  readonly serif: Font;
  readonly helvetica: Font;
  readonly times: Font;
  readonly courier: Font;
}

export function latinFonts(pdf: PdfWriter, scratch: string): Fonts {
  return {
    sans: embedFont(pdf, FONT_FILES.sans, LATIN, scratch),
    bold: embedFont(pdf, FONT_FILES.bold, LATIN, scratch),
    serif: embedFont(pdf, FONT_FILES.serif, LATIN, scratch),
    helvetica: standardFont(pdf, 'Helvetica', 'LiberationSans-Regular', scratch),
    times: standardFont(pdf, 'Times-Roman', 'LiberationSerif-Regular', scratch),
    courier: standardFont(pdf, 'Courier', 'LiberationMono-Regular', scratch),
  };
}
