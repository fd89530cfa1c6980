import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { cut, cuts, readAll, sourceOf, spoil } from '../../test/fixtures/byte-sources.ts';
import { AppError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type JsonBodyOptions, readJsonBody } from './json-body.ts';

type Told = { file: unknown; members: Record<string, unknown> } | string;

/** The body with the stored bytes in place of the base64 text and its type before them; an error as its code. */
async function read(
  body: Uint8Array | string,
  places: readonly number[] = [],
  options: Partial<JsonBodyOptions<string>> = {},
): Promise<Told> {
  try {
    const { file, members } = await readJsonBody(sourceOf(cut(Buffer.from(body), places)), {
      signal: new AbortController().signal,
      onFile: async ({ declaredType }, source) => `${declaredType} ${(await readAll(source)).toString('latin1')}`,
      ...options,
    });
    return { file, members: { ...members } };
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

const everywhere = Array.from({ length: 200 }, (_, index) => index / 200);

/** What the body means by JSON.parse and Buffer alone. Object members that come twice are not seen here. */
function expected(body: Uint8Array): Told {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return 'refused';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'refused';
  const { base64, file, url, ...members } = parsed as Record<string, unknown>;
  if (file != null || url != null) return 'refused';
  if (base64 == null) return { file: { kind: 'none' }, members };
  const bytes = Buffer.from(String(base64), 'base64');
  if (typeof base64 !== 'string' || bytes.toString('base64') !== base64) return 'refused';
  return { file: { kind: 'base64', value: `undefined ${bytes.toString('latin1')}` }, members };
}

/** JSON in the many ways to write it: any spacing, any order of members, any escapes in the base64 text. */
const bodies = fc
  .record({
    before: fc.dictionary(
      fc.string({ maxLength: 6 }).map((key) => `before ${key}`),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 3 },
    ),
    bytes: fc.option(fc.uint8Array({ maxLength: 200 })),
    after: fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 6 }).map((key) => `after ${key}`),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 3 },
    ),
    indent: fc.constantFrom(0, 1, 7, '\t', '\r\n'),
    letter: fc.constantFrom('', '/', '+', 'A', '='),
    mark: fc.constantFrom('', '\ufeff'),
  })
  .map(({ before, bytes, after, indent, letter, mark }) => {
    const text = bytes && Buffer.from(bytes).toString('base64');
    const json = JSON.stringify(
      { ...before, ...(bytes ? { base64: text } : {}), ...after, decoy: [{ base64: 'no "base64": here' }] },
      null,
      indent,
    );
    const code = letter === '/' ? '\\/' : letter && `\\u00${letter.charCodeAt(0).toString(16)}`;
    const escaped = text && letter ? text.replaceAll(letter, code) : text;
    return Buffer.from(mark + (text ? json.replace(`"${text}"`, () => `"${escaped}"`) : json));
  });

suite('JSON body', () => {
  test('the members are those of JSON.parse and the bytes those of the base64 text, however it is cut', async () => {
    const property = fc.asyncProperty(bodies, cuts, async (body, places) => {
      assert.deepEqual(await read(body, places), expected(body));
    });
    await fc.assert(property, { numRuns: 1500 });
  });

  test('a spoilt body is refused exactly when JSON.parse or the base64 text says so', async () => {
    const property = fc.asyncProperty(bodies, spoil, cuts, async (body, change, places) => {
      const told = await read(change(body), places);
      if (typeof told === 'string') assert.match(told, /^bad_(request|base64)$/);
      assert.deepEqual(typeof told === 'string' ? 'refused' : told, expected(change(body)));
    });
    await fc.assert(property, { numRuns: 2000 });
  });

  const taken: [body: string, file: unknown, members: Record<string, unknown>][] = [
    ['{}', { kind: 'none' }, {}],
    [' { "dpi" : 200 } \n', { kind: 'none' }, { dpi: 200 }],
    ['{"file":"01J","dpi":200}', { kind: 'stored', id: '01J' }, { dpi: 200 }],
    ['{"url":"http://x/"}', { kind: 'url', url: 'http://x/' }, {}],
    ['{"base64":"QUJD","name":"a.txt"}', { kind: 'base64', value: 'undefined ABC' }, { name: 'a.txt' }],
    ['{"name":"a.txt","base64":"QUJD"}', { kind: 'base64', value: 'undefined ABC' }, { name: 'a.txt' }],
    ['{"base64":""}', { kind: 'base64', value: 'undefined ' }, {}],
    ['{"\\u0062ase64":"QUJD"}', { kind: 'base64', value: 'undefined ABC' }, {}],
    ['{"base64":"\\u0051\\u0055JD"}', { kind: 'base64', value: 'undefined ABC' }, {}],
    ['{"base64":"\\/\\/\\/\\/\\u002B\\u002f\\/\\u002b"}', { kind: 'base64', value: 'undefined ÿÿÿûÿþ' }, {}],
    ['{"file":null,"url":null,"base64":"QUJD"}', { kind: 'base64', value: 'undefined ABC' }, {}],
    ['{"file":"01J","base64":null}', { kind: 'stored', id: '01J' }, {}],
    ['{"input":{"base64":"not ours","file":1}}', { kind: 'none' }, { input: { base64: 'not ours', file: 1 } }],
    ['{"x":"base64","y":"\\"base64\\":\\"QUJD\\""}', { kind: 'none' }, { x: 'base64', y: '"base64":"QUJD"' }],
    ['{"base64":"data:image/png;base64,QUJD"}', { kind: 'base64', value: 'image/png ABC' }, {}],
    ['{"base64":"DATA:Text/Plain;charset=utf-8;BASE64,QUJD"}', { kind: 'base64', value: 'text/plain ABC' }, {}],
    ['{"base64":"data:;base64,"}', { kind: 'base64', value: 'undefined ' }, {}],
    ['{"base64":"data:image\\/png;base64,\\/\\/\\/\\/"}', { kind: 'base64', value: 'image/png ÿÿÿ' }, {}],
  ];
  for (const [body, file, members] of taken) {
    test(`${JSON.stringify(body)} is taken, whole and byte by byte`, async () => {
      assert.deepEqual(await read(body), { file, members });
      assert.deepEqual(await read(body, everywhere), { file, members });
    });
  }

  const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const refused: [title: string, body: Uint8Array | string, code: string][] = [
    ['nothing', '', 'bad_request'],
    ['no object', '["base64"]', 'bad_request'],
    ['a string', '"base64"', 'bad_request'],
    ['null', 'null', 'bad_request'],
    ['two objects', '{}{}', 'bad_request'],
    ['a second object with a file', '{}{"base64":"QUJD"}', 'bad_request'],
    ['garbage behind the object', '{"base64":"QUJD"} x', 'bad_request'],
    ['no colon', '{"base64" "QUJD"}', 'bad_request'],
    ['no comma', '{"x":1 "base64":"QUJD"}', 'bad_request'],
    ['a comma too many', '{"base64":"QUJD",}', 'bad_request'],
    ['single quotes', "{'base64':'QUJD'}", 'bad_request'],
    ['an open string', '{"base64":"QUJD', 'bad_request'],
    ['an open escape', '{"base64":"QUJD\\', 'bad_request'],
    ['an open object', '{"base64":"QUJD"', 'bad_request'],
    ['a wrong escape', '{"base64":"QUJD\\x"}', 'bad_request'],
    ['a wrong unicode escape', '{"base64":"QUJD\\u00g0"}', 'bad_request'],
    ['a quote escaped in the text', '{"base64":"QU\\"JD"}', 'bad_base64'],
    ['an escape beyond ASCII', '{"base64":"\\u0151UJD"}', 'bad_base64'],
    ['a line break as an escape', '{"base64":"QUJD\\nQUJD"}', 'bad_base64'],
    ['a raw line break', '{"base64":"QUJD\nQUJD"}', 'bad_base64'],
    ['no padding', '{"base64":"QQ"}', 'bad_base64'],
    ['the URL alphabet', '{"base64":"__--"}', 'bad_base64'],
    ['a data: URL without base64', '{"base64":"data:text/plain,hello"}', 'bad_base64'],
    ['a data: URL without a comma', '{"base64":"data:text/plain;base64"}', 'bad_base64'],
    ['a data: URL with an endless type', `{"base64":"data:${'x'.repeat(1100)};base64,QUJD"}`, 'bad_base64'],
    ['wrong UTF-8', Buffer.from('{"name":"\xff"}', 'latin1'), 'bad_request'],
    ['UTF-16', Buffer.from('{"base64":"QUJD"}', 'utf16le'), 'bad_request'],
    ['the member twice', '{"base64":"QUJD","base64":"QUJD"}', 'bad_request'],
    ['the member twice, once in escapes', '{"base64":"QUJD","\\u0062ase64":"QUJD"}', 'bad_request'],
    ['another member twice', '{"file":"1","file":"2"}', 'bad_request'],
    ['a file and a URL', '{"file":"1","url":"http://x/"}', 'bad_request'],
    ['a file and base64', '{"file":"1","base64":"QUJD"}', 'bad_request'],
    ['base64 and a URL', '{"base64":"","url":"http://x/"}', 'bad_request'],
    ['base64 that is a number', '{"base64":1}', 'bad_request'],
    ['base64 that is an object', '{"base64":{"base64":"QUJD"}}', 'bad_request'],
    ['a file that is a number', '{"file":1}', 'bad_request'],
    ['65 levels', deep(65), 'bad_request'],
    ['100,000 levels', '['.repeat(100_000), 'bad_request'],
    ['members a byte over the limit', `{"x":"${'x'.repeat(1000 - 7)}"}`, 'too_large'],
    ['spaces without end', ' '.repeat(5000), 'too_large'],
  ];
  for (const [title, body, code] of refused) {
    test(`${title}: ${code}, whole and in pieces`, async () => {
      const options = code === 'too_large' ? { maxMembersBytes: 1000 } : {};
      assert.equal(await read(body, [], options), code);
      assert.equal(await read(body, everywhere, options), code);
    });
  }

  test('as many levels and as many bytes as allowed are taken', async () => {
    assert.equal(typeof (await read(deep(64))), 'object');
    assert.equal(
      typeof (await read(`{"x":"${'x'.repeat(1000 - 8)}"}`, everywhere, { maxMembersBytes: 1000 })),
      'object',
    );
  });

  test('a name like __proto__ stays a name', async () => {
    const { members } = await readJsonBody(sourceOf([Buffer.from('{"__proto__":{"x":1}}')]), {
      signal: new AbortController().signal,
      onFile: async () => undefined,
    });
    assert.deepEqual(Object.entries(members), [['__proto__', { x: 1 }]]);
    assert.equal(Object.getPrototypeOf(members), Object.prototype);
  });
});

suite('JSON body, flowing', () => {
  function largeBody(chunks: number) {
    const state = { pulled: 0 };
    function* body() {
      yield Buffer.from('{"base64":"');
      for (; state.pulled < chunks; state.pulled++) yield Buffer.alloc(65_536, 'QUJD');
      yield Buffer.from('","name":"large"}');
    }
    return { state, source: sourceOf(body()) };
  }
  const signal = new AbortController().signal;

  test('a text that nobody reads stops the body, and the name behind it is told at the end', async () => {
    const { state, source } = largeBody(100);
    const { file, members } = await readJsonBody(source, {
      signal,
      onFile: async (_, bytes) => {
        await bytes.next();
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
        assert.ok(state.pulled <= 1, `${state.pulled} chunks were pulled ahead`);
        return 49_152 + (await readAll(bytes)).length;
      },
    });
    assert.deepEqual([file, members], [{ kind: 'base64', value: 4_915_200 }, { name: 'large' }]);
  });

  test('the source ends when the rest of the body is in order, and its name is known then', async () => {
    const body = Buffer.from('{"base64":"QUJD","name":"a.txt"}');
    const { file } = await readJsonBody(sourceOf(cut(body, everywhere)), {
      signal,
      onFile: async (part, bytes) => {
        assert.throws(() => part.members(), /read to the end/);
        await readAll(bytes);
        return part.members().name;
      },
    });
    assert.deepEqual(file, { kind: 'base64', value: 'a.txt' });
  });

  for (const rest of ['","url":"http://x/"}', '"', '"}}', '","base64":"QUJD"}', '","x":']) {
    test(`a file before ${rest} never comes to its end`, async () => {
      const onFile = async (_: unknown, bytes: ByteSource) => {
        await assert.rejects(readAll(bytes), { code: 'bad_request' });
        return 'swallowed';
      };
      const body = Buffer.from(`{"base64":"QUJD${rest}`);
      await assert.rejects(readJsonBody(sourceOf([body]), { signal, onFile }), { code: 'bad_request' });
    });
  }

  test('what a reader leaves of the text is skipped, and still has to be base64', async () => {
    const leave = { signal, onFile: async () => 'left' };
    const { file, members } = await readJsonBody(largeBody(5).source, leave);
    assert.deepEqual([file, members], [{ kind: 'base64', value: 'left' }, { name: 'large' }]);
    await assert.rejects(readJsonBody(sourceOf([Buffer.from('{"base64":"QUJDQ"}')]), leave), { code: 'bad_base64' });
  });

  test('errors of the reader and of the source come through', async () => {
    const { state, source } = largeBody(1000);
    const full = new AppError('storage_full', 'the disk is full');
    await assert.rejects(readJsonBody(source, { signal, onFile: () => Promise.reject(full) }), full);
    assert.equal(state.pulled, 0);
    const gone = new AppError('client_gone', 'the client went away');
    function* broken() {
      yield Buffer.from('{"base64":"QUJD');
      throw gone;
    }
    await assert.rejects(readJsonBody(sourceOf(broken()), { signal, onFile: (_, bytes) => readAll(bytes) }), gone);
  });

  test('an abort ends the wait for the body with its reason', async () => {
    const reason = new AppError('client_gone', 'the client went away');
    const options = { signal: AbortSignal.abort(reason), onFile: async () => undefined };
    await assert.rejects(readJsonBody(largeBody(1).source, options), reason);
  });
});
