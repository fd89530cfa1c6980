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

/** The glyphs of a CID-keyed CFF under other CIDs; `renumber` gets the CID that a glyph has had so far. */
export function renumberCids(cff: Buffer, glyphs: number, renumber: (cid: number) => number): Buffer {
  const operand = findCharset(cff);
  const cids = readCharset(cff, cff.readUInt32BE(operand), glyphs);
  const charset = Buffer.alloc(1 + cids.length * 2);
  for (const [index, cid] of cids.entries()) charset.writeUInt16BE(renumber(cid), 1 + index * 2);
  const changed = Buffer.concat([cff, charset]);
  changed.writeUInt32BE(cff.length, operand);
  return changed;
}

/** Found by its form: the subset writes offsets long, and the dictionary stands near the start. */
function findCharset(cff: Buffer): number {
  for (let at = 4; at < 300; at++) {
    if (cff[at] === LONG_INTEGER && cff[at + 5] === CHARSET) return at + 1;
  }
  throw new Error('the CFF has no charset offset in the long form');
}

/** The CIDs of all glyphs but the first, .notdef. */
function readCharset(cff: Buffer, offset: number, glyphs: number): number[] {
  const format = cff[offset];
  const cids: number[] = [];
  let at = offset + 1;
  while (cids.length < glyphs - 1) {
    const first = cff.readUInt16BE(at);
    const left = format === 0 ? 0 : format === 1 ? cff.readUInt8(at + 2) : cff.readUInt16BE(at + 2);
    for (let step = 0; step <= left; step++) cids.push(first + step);
    at += format === 0 ? 2 : format === 1 ? 3 : 4;
  }
  return cids;
}
