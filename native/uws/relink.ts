/**
 * Makes a shared library that asks for glibc 2.38 load on an older one. Its compiler turned three calls into their C23
 * twins, which differ in reading `0b1` literals only; the copy made here asks for the plain functions again:
 *
 *   .gnu.version_r   libc.so.6 wants GLIBC_2.38   ->  wants the base version, which stands in the same list
 *   .dynsym          __isoc23_strtol, ...         ->  strtol, ...: the name begins 9 bytes later in the same string
 *
 * Whatever is not exactly as expected is a reason not to touch the file. Format: elf(5), LSB Core chapter 10.7.
 */
export type Relinked = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly reason: string };

const NEWER_VERSION = 'GLIBC_2.38';
const C23_PREFIX = '__isoc23_';
/** The x86-64 builds ask for all three, the arm64 ones for the last two. */
const C23_SYMBOLS = new Set(['__isoc23_sscanf', '__isoc23_strtol', '__isoc23_strtoul']);
const MAX_LIBRARIES = 64;
const LIBC = 'libc.so.6';

/** e_machine -> the version that every glibc of that machine has. */
const BASE_VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x3e, 'GLIBC_2.2.5'],
  [0xb7, 'GLIBC_2.17'],
]);

const ELF64_LITTLE_ENDIAN = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const DYNSYM = 11;
const VERNEED = 0x6ffffffe;
const VERSYM = 0x6fffffff;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  /** Entries, in a version section. */
  readonly info: number;
}

/** One version asked of one library (Elf64_Vernaux). */
interface Need {
  readonly at: number;
  readonly library: string;
  readonly version: string;
  readonly hash: number;
  readonly index: number;
  readonly nameOffset: number;
}

/** The re-linked copy; `original` stays as it is. */
export function relink(original: Buffer): Relinked {
  const bytes = Buffer.from(original);
  try {
    renameVersion(bytes);
    return { ok: true, bytes };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function renameVersion(bytes: Buffer): void {
  const base = BASE_VERSIONS.get(readMachine(bytes));
  if (base === undefined) throw new Error('neither x86-64 nor arm64');
  const sections = readSections(bytes);
  const symbols = only(sections, DYNSYM);
  const strings = sections[symbols.link];
  if (!strings || only(sections, VERNEED).link !== symbols.link)
    throw new Error('versions and symbols name different strings');

  const needs = readNeeds(bytes, only(sections, VERNEED), strings);
  const newer = needs.filter((need) => need.version === NEWER_VERSION);
  const [target] = newer;
  if (!target || newer.length !== 1 || target.library !== LIBC)
    throw new Error(`not exactly one ${NEWER_VERSION} of ${LIBC}`);
  const known = needs.find((need) => need.library === LIBC && need.version === base);
  if (!known) throw new Error(`${base} of ${LIBC} is not in the list`);
  if (known.hash !== elfHash(base) || target.hash !== elfHash(NEWER_VERSION))
    throw new Error('a version hash is wrong');

  renameSymbols(bytes, { symbols, strings, versions: only(sections, VERSYM), index: target.index });
  bytes.writeUInt32LE(known.hash, target.at);
  bytes.writeUInt32LE(known.nameOffset, target.at + 8);
}

function readMachine(bytes: Buffer): number {
  const magic = bytes.subarray(0, ELF64_LITTLE_ENDIAN.length);
  if (!magic.equals(ELF64_LITTLE_ENDIAN)) throw new Error('no 64-bit little-endian ELF file');
  return bytes.readUInt16LE(18);
}

function readSections(bytes: Buffer): Section[] {
  const start = readOffset(bytes, 40);
  if (bytes.readUInt16LE(58) !== SECTION_BYTES) throw new Error('section headers of unknown size');
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = start + index * SECTION_BYTES;
    const section = {
      type: bytes.readUInt32LE(at + 4),
      offset: readOffset(bytes, at + 24),
      size: readOffset(bytes, at + 32),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    };
    return section;
  });
}

function readOffset(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('an offset is out of range');
  return Number(value);
}

function only(sections: readonly Section[], type: number): Section {
  const [first, ...more] = sections.filter((section) => section.type === type);
  if (!first || more.length > 0) throw new Error(`not exactly one section of type 0x${type.toString(16)}`);
  return first;
}

function readNeeds(bytes: Buffer, section: Section, strings: Section): Need[] {
  const needs: Need[] = [];
  if (section.info > MAX_LIBRARIES) throw new Error('more libraries than can be');
  let at = section.offset;
  for (let library = 0; library < section.info; library++) {
    const name = readString(bytes, strings, bytes.readUInt32LE(at + 4));
    let aux = at + bytes.readUInt32LE(at + 8);
    for (let version = 0; version < bytes.readUInt16LE(at + 2); version++) {
      const nameOffset = bytes.readUInt32LE(aux + 8);
      const need = {
        at: aux,
        library: name,
        nameOffset,
        hash: bytes.readUInt32LE(aux),
        index: bytes.readUInt16LE(aux + 6),
      };
      needs.push({ ...need, version: readString(bytes, strings, nameOffset) });
      aux += bytes.readUInt32LE(aux + 12);
    }
    at += bytes.readUInt32LE(at + 12);
  }
  return needs;
}

function renameSymbols(
  bytes: Buffer,
  parts: { symbols: Section; strings: Section; versions: Section; index: number },
): void {
  const { symbols, strings, versions, index } = parts;
  const count = symbols.size / SYMBOL_BYTES;
  if (versions.size !== count * 2) throw new Error('not one version per symbol');
  const found = Array.from({ length: count }, (_, number) => ({ number, at: symbols.offset + number * SYMBOL_BYTES }))
    .filter(({ number }) => bytes.readUInt16LE(versions.offset + number * 2) === index)
    .map(({ at }) => ({
      at,
      name: readString(bytes, strings, bytes.readUInt32LE(at)),
      isImport: bytes.readUInt16LE(at + 6) === 0,
    }));
  const isAsExpected = found.length > 0 && found.every(({ name, isImport }) => C23_SYMBOLS.has(name) && isImport);
  if (!isAsExpected)
    throw new Error(`${NEWER_VERSION} is asked for by ${found.map(({ name }) => name).join(', ') || 'nothing'}`);
  for (const { at } of found) bytes.writeUInt32LE(bytes.readUInt32LE(at) + C23_PREFIX.length, at);
}

function readString(bytes: Buffer, strings: Section, offset: number): string {
  const end = bytes.indexOf(0, strings.offset + offset);
  if (offset >= strings.size || end < 0 || end > strings.offset + strings.size)
    throw new Error('a name lies outside the strings');
  return bytes.toString('latin1', strings.offset + offset, end);
}

/** The hash of the System V ABI, which the dynamic linker compares before the name. */
function elfHash(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name, 'latin1')) {
    hash = ((hash << 4) + byte) >>> 0;
    hash = (hash ^ ((hash & 0xf0000000) >>> 24)) & 0x0fffffff;
  }
  return hash;
}
