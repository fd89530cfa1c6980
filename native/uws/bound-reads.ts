/**
 * Makes a read of uSockets one read. After each `recv` that filled its 512 KB buffer it reads again at once, whether the
 * socket was paused meanwhile or not: a client as fast as the server puts its whole body into memory, however often it is
 * paused. (Measured: 64 uploads of 256 MB that were read at 80 KB/s each took 4.9 GB; so patched, 51 MB.) A shorter read
 * never fills the buffer, so that each one ends in the event loop, and a pause holds from the next on.
 *
 *     recv(fd, buffer, 512 KB, 0) ... if (length == 512 KB) goto recv      loop.c, us_internal_dispatch_ready_poll
 */
export type Bounded = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly reason: string };

/** Machine code around the one call, by ELF e_machine; the files differ by Node version, these bytes do not. */
interface Code {
  /** Sets the arguments: length 512 KB, flags 0. */
  readonly call: Buffer;
  /** The same with 256 KB, which measured as fast. */
  readonly boundedCall: Buffer;
  /** Compares the result with 512 KB. */
  readonly compare: Buffer;
}

const CODES: ReadonlyMap<number, Code> = new Map([
  // mov edx, 0x80000; xor ecx, ecx; call          cmp r14d, 0x80000
  [0x3e, code('ba00000800 31c9 e8', 'ba00000400 31c9 e8', '4181fe00000800')],
  // mov w2, #0x80000; mov w3, wzr                  cmp w20, #0x80, lsl #12
  [0xb7, code('0201a052 e3031f2a', '8200a052 e3031f2a', '9f024271')],
]);

/** Between the call and the comparison stands the call of on_data. */
const COMPARE_WITHIN_BYTES = 64;

/** The patched copy; `original` stays as it is. */
export function boundReads(original: Buffer): Bounded {
  const known = original.length > 20 ? CODES.get(original.readUInt16LE(18)) : undefined;
  if (!known) return { ok: false, reason: 'neither x86-64 nor arm64' };
  const at = original.indexOf(known.call);
  if (at < 0 || original.indexOf(known.call, at + 1) >= 0)
    return { ok: false, reason: 'the call of recv was not found once' };
  const next = original.subarray(at, at + known.call.length + COMPARE_WITHIN_BYTES);
  if (!next.includes(known.compare)) return { ok: false, reason: 'the loop around recv was not found' };
  const bytes = Buffer.from(original);
  known.boundedCall.copy(bytes, at);
  return { ok: true, bytes };
}

function code(call: string, boundedCall: string, compare: string): Code {
  const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return { call: bytes(call), boundedCall: bytes(boundedCall), compare: bytes(compare) };
}
