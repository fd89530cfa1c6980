const MAX_BYTES = 255;
const FALLBACK = 'upload';

/**
 * A client's file name as metadata: last path segment, composed Unicode (NFC), without control and direction characters,
 * at most 255 bytes of UTF-8 with its extension kept. Never a path here, but it may become one at whoever downloads it.
 */
export function cleanFileName(name: string): string {
  const segment = name.split(/[/\\]/).at(-1) ?? '';
  const visible = segment
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .trim();
  return /^\.*$/.test(visible) ? FALLBACK : shorten(visible);
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  let stem = '';
  let left = MAX_BYTES - extension.length;
  for (const character of name.slice(0, name.length - extension.length)) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + extension;
}
