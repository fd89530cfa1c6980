/**
 * Mends three places of uWebSockets 20.5x where what is parsed as a request should not run, or ends one that should:
 *
 *   HttpParser.h   an empty header name ends the list of headers for its reader, not for its writer: a length behind it goes
 *                  unseen, and the body runs as a request. Refused with 400, as upstream does since August 2026.
 *   HttpContext.h  a request that comes while another waits for its answer closes the connection, and what is corked is
 *                  lost. Now it is dropped, and the connection closes when the answer is out (state bits 0x10 and 0x40).
 *   HttpContext.h  what comes on a connection where one was dropped (0x40) is thrown away, for nobody knows any more where a
 *                  request begins. Takes the place of a check for sockets that are shut down, which uWS closes at once.
 *
 * Each place is known by its machine code, which is the same in the builds for all versions of Node; x86-64 only.
 */
export type Guarded = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly reason: string };

interface Place {
  readonly name: string;
  /** Hexadecimal; `..` is any byte. */
  readonly code: string;
  /** Of the same length; where it has `..`, the byte stays. */
  readonly mended: string;
  /** Offsets of relative jumps: read at `from`, written at `to`; the distance grows by `by`. */
  readonly jump?: { readonly from: number; readonly to: number; readonly by: number };
}

const X86_64 = 0x3e;

const PLACES: readonly Place[] = [
  {
    // mov rax,r11; sub rax,r14; mov [rdx],rax; mov [rdx+8],r14; cmp byte [r11],':'; jne error; ... a nop of seven bytes
    name: 'the end of a field name',
    code: '4c89d84c29f04889024c89720841803b3a0f85........896c240c4d8d630148c7c3feffffff4c29db4d89e50f1f8000000000',
    // mov [rdx],r11; sub [rdx],r14; jz A; mov [rdx+8],r14; nop; ... jmp over A; A: jmp error
    mended: '4c891a4c293274264c8972089041803b3a0f85........896c240c4d8d630148c7c3feffffff4c29db4d89e5eb05e900000000',
    jump: { from: 0x13, to: 0x2f, by: 0x17 - 0x33 },
  },
  {
    // mov byte [rsi+10h],0ffh; mov qword [rsi+0e0h],0; test byte [rsi+0ech],8; jne close; mov dword [rsi+0ech],8
    name: 'the start of a request',
    code: 'c64610ff48c786e000000000000000f686ec000000080f85........c786ec00000008000000',
    // test; jne; mov; mov: the answer under way keeps its offset and timer
    mended: 'f686ec000000080f8500000000c64610ff48c786e000000000000000c786ec00000008000000',
    jump: { from: 0x18, to: 0x09, by: 0x0f },
  },
  {
    // xor edx,edx; xor ecx,ecx; call us_socket_close; xor esi,esi; mov rax,rsi; return
    name: 'the refusal of a request',
    code: '31d231c9e8........31f64889f04883c4285b415c415d415e415f5dc3',
    // or byte [rsi+0ech],50h; nop
    mended: '808eec00000050669031f64889f04883c4285b415c415d415e415f5dc3',
  },
  {
    // mov rbx,rdi; movzx eax,byte [rdi+0ch]; and al,3; cmp al,1; jne go on; mov r14,rbx
    name: 'the start of a read',
    code: '4889fb0fb6470c24033c0175084989dee9',
    // mov rbx,rdi; test byte [rdi+0ech],40h; nop; je go on; mov r14,rbx
    mended: '4889fbf687ec000000409074084989dee9',
  },
];

/** The patched copy; `original` stays as it is. */
export function guardRequests(original: Buffer): Guarded {
  if (original.length <= 20 || original.readUInt16LE(18) !== X86_64) return { ok: false, reason: 'not for x86-64' };
  const bytes = Buffer.from(original);
  for (const place of PLACES) {
    const at = findOnce(original, place.code);
    if (at === undefined) return { ok: false, reason: `${place.name} was not found once` };
    for (const [offset, hex] of pairs(place.mended).entries())
      if (hex !== '..') bytes.writeUInt8(Number.parseInt(hex, 16), at + offset);
    if (place.jump) bytes.writeInt32LE(original.readInt32LE(at + place.jump.from) + place.jump.by, at + place.jump.to);
  }
  return { ok: true, bytes };
}

/** undefined: nowhere, or in more than one place. */
function findOnce(bytes: Buffer, code: string): number | undefined {
  const [start = ''] = code.split('..');
  const wanted = pairs(code);
  const found: number[] = [];
  const head = Buffer.from(start, 'hex');
  for (let at = bytes.indexOf(head); at >= 0; at = bytes.indexOf(head, at + 1))
    if (wanted.every((hex, offset) => hex === '..' || Number.parseInt(hex, 16) === bytes[at + offset])) found.push(at);
  return found.length === 1 ? found[0] : undefined;
}

function pairs(hex: string): string[] {
  return hex.match(/../g) ?? [];
}
