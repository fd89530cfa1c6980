import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { cut, cuts, readAll, sourceOf, spoil } from '../../test/fixtures/byte-sources.ts';
import { AppError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import type { FormLimits } from './form-parser.ts';
import { type MultipartOptions, readMultipart } from './multipart.ts';

const LIMITS: FormLimits = { files: 20, fields: 20, fieldBytes: 5000, fileBytes: 200_000, nameBytes: 300 };
const TYPE = 'multipart/form-data; boundary=frontier';

interface Part {
  readonly head: string;
  readonly body: Uint8Array | string;
}

function formOf(parts: readonly Part[], { before = '', after = '\r\n' } = {}): Buffer {
  const pieces = parts.flatMap(({ head, body }) => ['\r\n--frontier\r\n', head, '\r\n\r\n', body]);
  const inside = Buffer.concat([...pieces, '\r\n--frontier--'].map((piece) => Buffer.from(piece)));
  return Buffer.concat([Buffer.from(before), before ? inside : inside.subarray(2), Buffer.from(after)]);
}

const field = (name: string, body: Part['body'] = 'v'): Part => ({
  head: `Content-Disposition: form-data; name="${name}"`,
  body,
});

const file = (name: string, body: Part['body'] = 'v', type = 'application/pdf'): Part => ({
  head: `Content-Disposition: form-data; name="f"; filename="${name}"\r\nContent-Type: ${type}`,
  body,
});

/** Files as `name type length text`, fields as they are; an error as its code. */
async function read(body: ByteSource, options: Partial<MultipartOptions<string>> = {}) {
  try {
    const form = await readMultipart(body, {
      contentType: TYPE,
      limits: LIMITS,
      signal: new AbortController().signal,
      onFile: async ({ fileName, declaredType }, source) => {
        const bytes = await readAll(source);
        return `${fileName} ${declaredType} ${bytes.length} ${bytes.toString('latin1')}`;
      },
      ...options,
    });
    return { files: form.files.map(({ field: name, value }) => [name, value]), fields: { ...form.fields } };
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

const readBytes = (bytes: Uint8Array, options?: Partial<MultipartOptions<string>>) => read(sourceOf([bytes]), options);

suite('multipart', () => {
  test('files and fields come out as they were put in', async () => {
    const form = formOf([field('a', '1'), file('x.pdf', 'PDF'), field('b', 'ü'), file('y.png', '', 'image/png')]);
    assert.deepEqual(await readBytes(form), {
      files: [
        ['f', 'x.pdf application/pdf 3 PDF'],
        ['f', 'y.png image/png 0 '],
      ],
      fields: { a: '1', b: 'ü' },
    });
  });

  test('however the body is cut, the result is the same', async () => {
    const near = fc.constantFrom('\r\n--frontie', '\r\n--', '\r', '\r\n', '--frontier', '\n--frontier--', 'x');
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(near, { maxLength: 9 })
        .map((pieces) => Buffer.from(pieces.join('').replaceAll('--frontier', '--frontie'))),
      fc.integer({ min: 0, max: 150_000 }).map((length) => Buffer.alloc(length, 'abc\r\n-')),
    );
    const contents = fc.array(content, { maxLength: 4 });
    const property = fc.asyncProperty(
      contents,
      fc.string({ unit: 'grapheme-ascii', maxLength: 50 }),
      cuts,
      async (bodies, value, places) => {
        const form = formOf([field('first', value), ...bodies.map((body, index) => file(`${index}`, body))]);
        const expected = bodies.map((body, index) => [
          'f',
          `${index} application/pdf ${body.length} ${body.toString('latin1')}`,
        ]);
        assert.deepEqual(await read(sourceOf(cut(form, places))), { files: expected, fields: { first: value } });
      },
    );
    await fc.assert(property, { numRuns: 400 });
  });

  test('spaces and tabs behind a boundary belong to no part, however the body is cut', async () => {
    const padding = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 64 });
    const content = fc.string({ unit: fc.constantFrom(' ', '\t', '\r', '\n', '-'), maxLength: 80 });
    const property = fc.asyncProperty(padding, content, cuts, async (pad, body, places) => {
      const plain = formOf([field('a', body), file('x', body), file('y', '')]).toString('latin1');
      const padded = Buffer.from(plain.replaceAll(/--frontier(--)?/g, `$&${pad}`));
      assert.deepEqual(await read(sourceOf(cut(padded, places))), {
        files: [
          ['f', `x application/pdf ${body.length} ${body}`],
          ['f', 'y application/pdf 0 '],
        ],
        fields: { a: body },
      });
    });
    await fc.assert(property, { numRuns: 400 });
  });

  test('a spoilt body is refused, or every part of it comes out whole', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab\r\n-: ;="'), minLength: 1, maxLength: 40 });
    const parts = fc.array(
      text.map((body) => file('x', body)),
      { minLength: 1, maxLength: 3 },
    );
    const property = fc.asyncProperty(parts, spoil, spoil, cuts, async (list, change, again, places) => {
      const form = again(change(formOf(list)));
      const told = await read(sourceOf(cut(form, places)));
      if (typeof told === 'string') return assert.match(told, /^(bad_multipart|too_large)$/);
      const values = [
        ...told.files.map(([, value = '']) => value.replace(/^.*? \d+ /s, '')),
        ...Object.values(told.fields).flat(),
      ];
      const delimited = `\r\n${form.toString('latin1')}`.split('\r\n--frontier').slice(1);
      const bodies = delimited
        .filter((part) => /^[ \t]*\r\n/.test(part))
        .map((part) => part.replace(/^.*?\r\n\r\n/s, ''));
      const printable = (list: string[]) =>
        list
          .map((body) => Buffer.from(body, 'latin1').toString())
          .filter(Boolean)
          .sort();
      assert.deepEqual(printable(values), printable(bodies));
    });
    await fc.assert(property, { numRuns: 1500 });
  });
});

suite('multipart names', () => {
  const dispositions: [disposition: string, name: string | undefined][] = [
    ['filename="x.pdf"', 'x.pdf'],
    ['filename=x.pdf', 'x.pdf'],
    ['filename="übergröße €.pdf"', 'übergröße €.pdf'],
    ['filename="x"; filename*=UTF-8\'\'%e2%82%ac%20rates.pdf', '€ rates.pdf'],
    ["filename*=iso-8859-1''%fcber.pdf", 'über.pdf'],
    ['filename="a\\"b.pdf"', 'a"b.pdf'],
    ['filename="a%22b%0d%0A%25.pdf"', 'a"b\r\n%25.pdf'],
    ['filename="C:\\\\fakepath\\\\x.pdf"', 'x.pdf'],
    ['filename="../../etc/passwd"', 'passwd'],
    ["filename*=UTF-8''..%2f..%2fetc%2fpasswd", 'passwd'],
    ['filename=".."', undefined],
    ['filename=""', undefined],
  ];
  for (const [disposition, name] of dispositions) {
    test(`${disposition} names the file ${name}`, async () => {
      const head = `Content-Disposition: form-data; name=f; ${disposition}\r\nContent-Type: application/octet-stream`;
      const told = await readBytes(formOf([{ head, body: 'v' }]));
      assert.deepEqual(told, { files: [['f', `${name} application/octet-stream 1 v`]], fields: {} });
    });
  }

  test('a file input in which nothing was chosen is no file', async () => {
    const head = 'Content-Disposition: form-data; name="f"; filename=""\r\nContent-Type: application/octet-stream';
    assert.deepEqual(await readBytes(formOf([{ head, body: '' }, field('a')])), { files: [], fields: { a: 'v' } });
  });

  test('names of prototype members are names like any other, and repeated names keep their order', async () => {
    const form = formOf([
      field('__proto__', 'x'),
      field('constructor', 'y'),
      field('a', '1'),
      field('a', '2'),
      field('a', '3'),
    ]);
    const { fields } = await readMultipart(sourceOf([form]), {
      contentType: TYPE,
      limits: LIMITS,
      signal: new AbortController().signal,
      onFile: async () => undefined,
    });
    assert.deepEqual(Object.entries(fields), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['a', ['1', '2', '3']],
    ]);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  test('field values follow their charset', async () => {
    const head = 'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=iso-8859-1';
    assert.deepEqual(await readBytes(formOf([{ head, body: Buffer.from('\xfc', 'latin1') }])), {
      files: [],
      fields: { a: 'ü' },
    });
  });
});

suite('multipart that is malformed', () => {
  const headless = (head: string): Buffer => formOf([field('a'), { head, body: 'lost' }, file('x')]);
  const valid = formOf([field('a'), file('x', 'y'.repeat(5000))]);
  const bodies: [title: string, body: Buffer][] = [
    ['nothing at all', Buffer.alloc(0)],
    ['no boundary', Buffer.from('hello')],
    ['LF line ends', Buffer.from(valid.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')],
    ['another boundary', Buffer.from(valid.toString('latin1').replaceAll('frontier', 'frontiex'), 'latin1')],
    ['no last boundary', valid.subarray(0, -14)],
    [
      'spaces before the dashes of the last boundary',
      Buffer.from(valid.toString('latin1').replace(/--\r\n$/, ' --\r\n')),
    ],
    ['65 spaces behind a boundary', Buffer.from(valid.toString('latin1').replace('--frontier', `$&${' '.repeat(65)}`))],
    ['half of the last boundary', valid.subarray(0, -6)],
    ['a last boundary with one dash', valid.subarray(0, -3)],
    ['an end within a file', valid.subarray(0, -2000)],
    ['an end within a header', valid.subarray(0, 40)],
    ['a part without Content-Disposition', headless('Content-Type: text/plain')],
    ['a part without any header', headless('')],
    ['a part that is an attachment', headless('Content-Disposition: attachment; name="a"')],
    ['a part without a name', headless('Content-Disposition: form-data; filename="x"')],
    ['a field with an empty name', headless('Content-Disposition: form-data; name=""')],
    ['a disposition that cannot be read', headless('Content-Disposition: form-data; name="a')],
    ['a header without a colon', headless('Content-Disposition')],
    ['a header of 17 KiB', headless(`Content-Disposition: form-data; name="a"; x="${'x'.repeat(17_000)}"`)],
    ['a header of 3,000 lines', headless(`${'a:\r\n'.repeat(3000)}Content-Disposition: form-data; name="a"`)],
    [
      'an encoding that would have to be undone',
      headless('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64'),
    ],
    [
      'a charset that nobody knows',
      headless('Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=klingon'),
    ],
    ['a line in a file that begins like the boundary', formOf([file('x', 'abc\r\n--frontierland\r\nabc')])],
    [
      'a delimiter in the middle of a header',
      formOf([{ head: 'Content-Disposition: form-data; name="a"\r\n--frontier', body: 'x' }]),
    ],
    ['64 KiB before the first boundary', formOf([field('a')], { before: 'x'.repeat(65_537) })],
    ['64 KiB behind the last boundary', formOf([field('a')], { after: 'x'.repeat(65_537) })],
  ];
  for (const [title, body] of bodies) {
    test(`${title} is refused, whole and in pieces`, async () => {
      assert.equal(await readBytes(body), 'bad_multipart');
      const everywhere = Array.from({ length: 300 }, (_, index) => index / 300);
      assert.equal(await read(sourceOf(cut(body, everywhere))), 'bad_multipart');
    });
  }

  const types: [contentType: string, code: string][] = [
    ['multipart/form-data', 'bad_multipart'],
    ['multipart/form-data; boundary=', 'bad_multipart'],
    ['multipart/form-data; boundary=""', 'bad_multipart'],
    [`multipart/form-data; boundary=${'b'.repeat(71)}`, 'bad_multipart'],
    ['multipart/form-data; boundary="a\\"b"', 'bad_multipart'],
    ['multipart/form-data; boundary="ends in space "', 'bad_multipart'],
    ['', 'bad_multipart'],
    ['multipart', 'bad_multipart'],
    ['multipart/mixed; boundary=frontier', 'unsupported_media_type'],
  ];
  for (const [contentType, code] of types) {
    test(`Content-Type "${contentType.slice(0, 50)}" is ${code}`, async () => {
      assert.equal(await readBytes(valid, { contentType }), code);
    });
  }

  for (const contentType of [
    'Multipart/Form-Data; Charset=utf-8; Boundary="frontier"',
    'multipart/form-data;boundary=frontier;boundary=x',
  ]) {
    test(`Content-Type ${contentType} is read`, async () => {
      assert.notEqual(typeof (await readBytes(valid, { contentType })), 'string');
    });
  }

  test('what stands around the parts is passed over, even if it looks like one', async () => {
    const after = `\r\n${formOf([field('smuggled')]).toString('latin1')}`;
    const form = formOf([field('a')], { before: 'This is a form.\r\n--front', after });
    const places = Array.from({ length: 100 }, (_, index) => index / 100);
    assert.deepEqual(await readBytes(form), { files: [], fields: { a: 'v' } });
    assert.deepEqual(await read(sourceOf(cut(form, places))), { files: [], fields: { a: 'v' } });
  });

  test('a form without parts is a form', async () => {
    assert.deepEqual(await readBytes(Buffer.from('--frontier--')), { files: [], fields: {} });
  });
});

suite('multipart limits', () => {
  const many = (count: number, make: (name: string) => Part): Part[] =>
    Array.from({ length: count }, (_, index) => make(`n${index}`));
  const limits: [title: string, parts: Part[], code: string | undefined][] = [
    ['as many files as allowed', many(20, file), undefined],
    ['a file more', many(21, file), 'bad_multipart'],
    ['as many fields as allowed', many(20, field), undefined],
    ['a field more', many(21, field), 'bad_multipart'],
    ['as many parts as allowed', [...many(20, file), ...many(20, field)], undefined],
    ['fields as large as allowed', [field('a', 'x'.repeat(2500)), field('b', 'ü'.repeat(1250))], undefined],
    ['fields a byte larger together', [field('a', 'x'.repeat(2501)), field('b', 'ü'.repeat(1250))], 'too_large'],
    ['one field of the largest size', [field('a', 'x'.repeat(5000))], undefined],
    ['one field a byte larger', [field('a', 'x'.repeat(5001))], 'too_large'],
    ['a file of the largest size', [file('x', 'x'.repeat(200_000)), file('y', 'x'.repeat(200_000))], undefined],
    ['a file a byte larger', [file('x', 'x'.repeat(200_001)), file('y')], 'too_large'],
    ['a last file a byte larger', [file('x', 'x'.repeat(200_001))], 'too_large'],
    ['a name of the largest size', [field('n'.repeat(300))], undefined],
    ['a name a byte larger', [field('n'.repeat(301))], 'bad_multipart'],
    ['a file name of the largest size', [file('ü'.repeat(150))], undefined],
    ['a file name a byte larger', [file(`x${'ü'.repeat(150)}`)], 'bad_multipart'],
  ];
  for (const [title, parts, code] of limits) {
    test(`${title}: ${code ?? 'taken'}`, async () => {
      const form = formOf(parts);
      const places = Array.from({ length: 50 }, (_, index) => index / 50);
      for (const told of [await readBytes(form), await read(sourceOf(cut(form, places)))]) {
        assert.equal(typeof told === 'string' ? told : undefined, code);
      }
    });
  }

  const endless: [title: string, start: string, chunk: string, code: string][] = [
    ['a preamble', 'x', 'x'.repeat(5000), 'bad_multipart'],
    ['an epilogue', '--frontier--', 'x'.repeat(5000), 'bad_multipart'],
    ['a header', '--frontier\r\nx: ', 'x'.repeat(5000), 'bad_multipart'],
    ['header lines', '--frontier\r\n', 'x: y\r\n'.repeat(1000), 'bad_multipart'],
    ['a field', '--frontier\r\nContent-Disposition: form-data; name=a\r\n\r\n', 'x'.repeat(5000), 'too_large'],
    [
      'a part to be skipped',
      '--frontier\r\nContent-Type: a/b\r\n\r\n\r\n--frontier\r\nx: y\r\n\r\n',
      'x'.repeat(5000),
      'bad_multipart',
    ],
    [
      'a file',
      '--frontier\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n',
      'x'.repeat(5000),
      'too_large',
    ],
    ['empty parts', '--frontier', '\r\n--frontier'.repeat(500), 'bad_multipart'],
    [
      'tiny fields',
      '--frontier',
      '\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--frontier'.repeat(50),
      'bad_multipart',
    ],
    [
      'tiny files',
      '--frontier',
      '\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n\r\n--frontier'.repeat(50),
      'bad_multipart',
    ],
  ];
  for (const [title, start, chunk, code] of endless) {
    test(`${title} without end is given up early: ${code}`, async () => {
      let pulled = 0;
      function* body() {
        yield Buffer.from(start);
        for (;;) {
          pulled += chunk.length;
          yield Buffer.from(chunk);
        }
      }
      assert.equal(await read(sourceOf(body())), code);
      assert.ok(pulled <= LIMITS.fileBytes + 20_000, `${pulled} bytes were pulled`);
    });
  }
});

suite('multipart flow', () => {
  /** A form of one large file, and how much of it has been asked for. */
  function largeForm(chunks: number) {
    const state = { pulled: 0 };
    function* body() {
      yield formOf([file('x', '')]).subarray(0, -16);
      for (; state.pulled < chunks; state.pulled++) yield Buffer.alloc(65_536, 'x');
      yield Buffer.from('\r\n--frontier--\r\n');
    }
    return { state, source: sourceOf(body()) };
  }
  const limits = { ...LIMITS, fileBytes: 1e9 };

  test('a file that nobody reads stops the body, and goes on when it is read', async () => {
    const { state, source } = largeForm(100);
    const seen: number[] = [];
    const told = await read(source, {
      limits,
      onFile: async (_, bytes) => {
        await bytes.next();
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        seen.push(state.pulled);
        return `${(await readAll(bytes)).length + 65_536}`;
      },
    });
    assert.deepEqual(told, { files: [['f', `${100 * 65_536}`]], fields: {} });
    assert.ok((seen[0] ?? 99) <= 2, `${seen[0]} chunks were pulled ahead`);
  });

  test('many small files wait for the one before them', async () => {
    let [open, most] = [0, 0];
    const told = await readBytes(formOf(Array.from({ length: 20 }, (_, index) => file(`${index}`))), {
      onFile: async ({ fileName }, source) => {
        most = Math.max(most, ++open);
        await new Promise(setImmediate);
        await readAll(source);
        open--;
        return `${fileName}`;
      },
    });
    assert.equal(most, 1);
    assert.equal(typeof told === 'string' ? told : told.files.length, 20);
  });

  test('what a reader leaves of its file is skipped', async () => {
    const form = formOf([file('x', 'x'.repeat(150_000)), field('a'), file('y', 'y')]);
    const told = await readBytes(form, { onFile: async ({ fileName }) => `${fileName}` });
    assert.deepEqual(told, {
      files: [
        ['f', 'x'],
        ['f', 'y'],
      ],
      fields: { a: 'v' },
    });
  });

  test('an error of the reader ends the form with that error, and nothing more is pulled', async () => {
    const { state, source } = largeForm(1000);
    const onFile = async () => {
      throw new AppError('storage_full', 'the disk is full');
    };
    assert.equal(await read(source, { limits, onFile }), 'storage_full');
    assert.equal(state.pulled, 0);
  });

  test('an error of the source reaches the reader of the file and the caller', async () => {
    const gone = new AppError('client_gone', 'the client went away');
    const half = formOf([file('x', 'x'.repeat(50_000))]).subarray(0, 25_000);
    function* body() {
      yield half;
      throw gone;
    }
    const errors: unknown[] = [];
    const onFile = async (_: unknown, bytes: ByteSource) => {
      await readAll(bytes).catch((error) => errors.push(error));
      return 'swallowed';
    };
    assert.equal(await read(sourceOf(body()), { onFile }), 'client_gone');
    assert.deepEqual(errors, [gone]);
  });

  test('an abort while the body stalls ends the form with its reason', async () => {
    const controller = new AbortController();
    const start = formOf([file('x', 'x'.repeat(5000))]).subarray(0, 3000);
    const chunks = [start].values();
    const stalling: ByteSource = {
      next: async (signal) => {
        const { value } = chunks.next();
        if (value) return value;
        queueMicrotask(() => controller.abort(new AppError('client_gone', 'the client went away')));
        return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    assert.equal(await read(stalling, { signal: controller.signal }), 'client_gone');
  });
});
