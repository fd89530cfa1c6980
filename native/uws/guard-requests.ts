/**
 * Mends four places of uWebSockets 20.5x where what is parsed as a request should not run, or ends one that should:
 *
 *   ChunkedEncoding.h   digits go by the distance to '0', so that ':' to '@' and 'g' are digits too, and a chunk extension
 *                  (`3;a=b`) becomes part of the size: other bytes than were sent. Now ';' ends the size, the others are
 *                  errors, and that a packet ended behind the size is kept in bit 61 of the state.
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
    name: 'the size of a chunk',
    code: [
      // movzx r14d,[rax]; cmp r14b,21h; jl skip; inc rax; nop
      '440fb6304180fe210f8c7900000048ffc0660f1f440000',
      // lea ebx,[r14-27h]; lea ebp,[r14-7]; the one of both that is meant; sub '0'; cmp ebx,10h; ja error
      '418d5ed9418d6ef94180fe41450fb6f6400fb6ed410f42ee4180fe610fb6db0f42dd0fb6db83c3d083fb100f87........',
      // add it to the size; je end of packet
      '4c8b324d85de0f85........49c1e60489db4c01f34809cb48891a48894608488b1e48ffcb48891e743a',
      '440fb63048ffc04180fe217d9848ffc80f1f440000',
      // skip: dec rbx; nop; ... search the end of the line; end of packet: xor ebx,ebx
      '48ffcb666666662e0f1f84000000000080380a742048ffc04889460848891e4883c3ff72eb31db',
    ].join(''),
    mended: [
      // btr [rdx+4],29; movzx r14d,[rax]; jc skip; cmp r14b,21h; jl skip; inc rax; nop
      '0fba72041d440fb630727c4180fe217c7648ffc00f1f00',
      // cmp r14b,';'; je end; lea ebx,[r14-'0']; cmp ebx,9; jbe go on; mov ebx,r14d; or ebx,20h; sub ebx,'a'; cmp ebx,5;
      // ja error; add ebx,10; nops
      '4180fe3b7462418d5ed083fb0976154489f383cb2083eb6183fb050f870000000083c30a660f1f8400000000000f1f4000',
      '4c8b324d85de0f85........49c1e60489db4c01f34809cb48891a48894608488b1e48ffcb48891e743c',
      '440fb63048ffc04180fe217d9848ffc80f1f440000',
      // skip: dec rbx; jmp search; ended: xor ebx,ebx; bts [rdx+4],29; jmp end of packet; nop; ... jmp ended
      '48ffcbeb0b31db0fba6a041deb19669080380a742048ffc04889460848891e4883c3ff72ebebde',
    ].join(''),
    jump: { from: 0x17 + 0x2d, to: 0x17 + 0x1d, by: 0x10 },
  },
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
