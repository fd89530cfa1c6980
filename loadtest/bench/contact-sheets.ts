import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEncode } from '../../src/raster/encode.ts';
import { type Hanging, NAMES } from './gallery.ts';
import { besideEachOther, type Picture, underEachOther } from './picture.ts';

const ROWS = 8;
const SIDE = 420;

export interface Sheets {
  add(hanging: Hanging): Promise<void>;
  end(): Promise<void>;
}

/** Pages to look at, a row each, in the order of NAMES; `folder` undefined: none. Beside each PNG stand its files' names. */
export function createSheets(folder: string | undefined): Sheets {
  const encode = createEncode(() => undefined);
  const rows: Picture[] = [];
  const names: string[] = [];
  let sheets = 0;
  const end = async () => {
    if (folder === undefined || rows.length === 0) return;
    sheets += 1;
    const path = join(folder, `sheet-${String(sheets).padStart(3, '0')}`);
    await mkdir(folder, { recursive: true });
    const png = await encode(underEachOther(rows), { format: 'png', quality: 80, grayscale: false, level: 'small' });
    await writeFile(`${path}.png`, png);
    await writeFile(`${path}.txt`, `${names.join('\n')}\n`);
    rows.length = 0;
    names.length = 0;
  };
  return {
    end,
    async add({ file, pictures }) {
      const shown = NAMES.map((name) => pictures.get(name));
      rows.push(besideEachOther(shown, SIDE));
      names.push(file);
      if (rows.length === ROWS) await end();
    },
  };
}
