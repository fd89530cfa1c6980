/** One table of an OpenType file. */
export function sfntTable(font: Buffer, tag: string): Buffer {
  const count = font.readUInt16BE(4);
  for (let index = 0; index < count; index++) {
    const at = 12 + index * 16;
    if (font.toString('latin1', at, at + 4) !== tag) continue;
    const start = font.readUInt32BE(at + 8);
    return font.subarray(start, start + font.readUInt32BE(at + 12));
  }
  throw new Error(`the font has no ${tag} table`);
}

/** The charset operator of a top dictionary, after an offset in the long form (Adobe technical note 5176, sections 4 and 9). */
const LONG_INTEGER = 29;
const CHARSET = 15;

/** Gives the glyphs of a CID-keyed CFF other CIDs, in the order of the glyphs, .notdef left out. */
export function setCharset(cff: Buffer, cids: readonly number[]): Buffer {
  const charset = Buffer.alloc(1 + cids.length * 2);
  for (const [index, cid] of cids.entries()) charset.writeUInt16BE(cid, 1 + index * 2);
  const changed = Buffer.concat([cff, charset]);
  // The operand is found by its form: the subset writes offsets long, and the dictionary stands near the start.
  for (let at = 4; at < 300; at++) {
    if (changed[at] !== LONG_INTEGER || changed[at + 5] !== CHARSET) continue;
    changed.writeUInt32BE(cff.length, at + 1);
    return changed;
  }
  throw new Error('the CFF has no charset offset in the long form');
}
