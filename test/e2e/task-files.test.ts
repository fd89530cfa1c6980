import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { call, post, serveTasks } from './task-folder.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const pad = (head: Buffer) => Buffer.concat([head, Buffer.alloc(600)]);
/** A 1x1 image. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const JPEG = pad(hex('ffd8ffe0 00104a46 49460001 01000001 00010000'));
const WAV = pad(
  Buffer.concat([
    Buffer.from('RIFF\x24\x02\0\0WAVEfmt \x10\0\0\0', 'latin1'),
    hex('0100010044ac000088580100020010006461746100020000'),
  ]),
);
const FLAC = pad(Buffer.from('fLaC\0\0\0\x22', 'latin1'));
const MP4 = pad(Buffer.concat([hex('00000018'), Buffer.from('ftypisom\0\0\x02\0isomiso2', 'latin1')]));
const WEBM = pad(
  Buffer.concat([hex('1a45dfa3 9f 4286 81 01 42f7 81 01 42f2 81 04 42f3 81 08 4282 84'), Buffer.from('webm')]),
);
const PDF = Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');
const ELF = pad(hex('7f454c46 02010100 00000000 00000000 02003e00 01000000'));
const TEXT = Buffer.from('#!/bin/sh\necho I am no picture\n');

const kindTask = (kind: string) =>
  `export default defineTask({ name: 'take_${kind}', files: { it: '${kind}' },
    run: (_, { files: { it } }) => ({ type: it.mediaType, size: it.size }) });`;
const KINDS = ['file', 'image', 'audio', 'video', 'pdf'];
const TASKS = Object.fromEntries(KINDS.map((kind) => [kind, kindTask(kind)]));

const MANY = `export default defineTask({
  name: 'many', files: { cover: 'image', pages: { kind: 'pdf', many: true }, sound: { kind: 'audio', optional: true } },
  input: z.object({ title: z.string() }),
  run: ({ title }, { files }) => ({ title, cover: files.cover.name, pages: files.pages.map(({ name }) => name), sound: files.sound?.name ?? null }),
});`;

const COPY = `import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { defineTask, z } from 'penstock';
export default defineTask({
  name: 'copy', files: { it: 'file' }, input: z.object({ as: z.enum(['link', 'base64']).default('link') }),
  async run({ as }, { files: { it }, file, scratchDir }) {
    const hash = createHash('sha256');
    for await (const chunk of it.stream()) hash.update(chunk);
    const bytes = await it.bytes();
    const isSame = hash.digest('hex') === it.sha256 && bytes.length === it.size && (await readFile(it.path)).equals(bytes);
    return { isSame, out: await file('copy of ' + it.name, bytes, { as }), scratchDir };
  },
});`;

function form(parts: readonly [string, Buffer, string][], fields: Record<string, string> = {}): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  for (const [name, bytes, fileName] of parts) data.append(name, new Blob([new Uint8Array(bytes)]), fileName);
  return data;
}

for (const transport of ['uws', 'node'] as const) {
  suite(`files of users' tasks over ${transport}`, () => {
    const args = ['--transport', transport];
    const send = (url: string, body: Buffer, name: string) =>
      call(`${url}?name=${name}`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': 'application/octet-stream' },
      });

    test('each kind takes what its content is, whatever its name, and refuses the rest with 415', async () => {
      await using server = await serveTasks(TASKS, args);
      const right: readonly [string, Buffer, RegExp][] = [
        ['image', PNG, /^image\/png$/],
        ['image', JPEG, /^image\/jpeg$/],
        ['audio', WAV, /^audio\/(vnd\.wave|wav|x-wav)$/],
        ['audio', FLAC, /^audio\/(x-)?flac$/],
        ['video', MP4, /^video\/mp4$/],
        ['video', WEBM, /^video\/webm$/],
        ['pdf', PDF, /^application\/pdf$/],
        ['file', ELF, /^application\/x-elf$/],
        ['file', TEXT, /^text\/plain$/],
      ];
      for (const [kind, bytes, type] of right) {
        const answer = await send(`${server.url}/take_${kind}`, bytes, 'x.bin');
        assert.equal(answer.status, 200, `${kind}: ${answer.text}`);
        assert.match(answer.json.type, type);
      }
      const wrong: readonly [string, Buffer, string][] = [
        ['image', ELF, 'holiday.png'],
        ['image', TEXT, 'holiday.jpg'],
        ['image', PDF, 'holiday.png'],
        ['image', MP4, 'holiday.gif'],
        ['audio', PNG, 'song.mp3'],
        ['audio', MP4, 'song.wav'],
        ['video', WAV, 'film.mp4'],
        ['video', ELF, 'film.mp4'],
        ['pdf', PNG, 'report.pdf'],
        ['pdf', TEXT, 'report.pdf'],
      ];
      for (const [kind, bytes, name] of wrong) {
        const answer = await send(`${server.url}/take_${kind}`, bytes, name);
        assert.deepEqual([answer.status, answer.json.code], [415, 'unsupported_media_type'], `${kind}: ${name}`);
        const inForm = await call(`${server.url}/take_${kind}`, { method: 'POST', body: form([['it', bytes, name]]) });
        assert.equal(inForm.status, 415, `${kind} in a form: ${name}`);
      }
      const declared = await call(`${server.url}/take_image`, {
        method: 'POST',
        body: new Uint8Array(PNG),
        headers: { 'content-type': 'audio/mpeg' },
      });
      assert.equal(declared.status, 415);
      assert.equal((await call(`${server.url}/take_image`, { method: 'POST' })).status, 415);
    });

    test('several named files come by form, JSON or address; a wrong name or number is 422', async () => {
      await using server = await serveTasks({ many: MANY }, [...args, '--allow-addresses', '127.0.0.1']);
      const url = `${server.url}/many`;
      const parts: [string, Buffer, string][] = [
        ['cover', PNG, 'c.png'],
        ['pages', PDF, '1.pdf'],
        ['pages', PDF, '2.pdf'],
      ];
      const answer = await call(url, { method: 'POST', body: form(parts, { title: 'T' }) });
      assert.deepEqual(answer.json, { title: 'T', cover: 'c.png', pages: ['1.pdf', '2.pdf'], sound: null });
      const stranger = await call(url, { method: 'POST', body: form([...parts, ['x', PNG, 'x.png']], { title: 'T' }) });
      assert.deepEqual([stranger.status, stranger.json.code], [422, 'invalid_input']);
      const twice = await call(url, {
        method: 'POST',
        body: form([...parts, ['cover', PNG, 'd.png']], { title: 'T' }),
      });
      assert.match(twice.json.detail, /cover: 2 files were sent/);
      const none = await call(url, { method: 'POST', body: form([['pages', PDF, '1.pdf']], { title: 'T' }) });
      assert.match(none.json.detail, /cover: many needs this file/);

      await using source = createServer((_, response) => response.end(PNG)).listen(0, '127.0.0.1');
      await new Promise((resolve) => source.once('listening', resolve));
      const address = `http://127.0.0.1:${(source.address() as AddressInfo).port}/cover.png`;
      const stored = await call(`${server.url}/v1/files?name=kept.pdf`, { method: 'POST', body: new Uint8Array(PDF) });
      const json = await post(url, {
        title: 'J',
        cover: address,
        pages: [{ base64: PDF.toString('base64'), name: 'b.pdf' }, stored.json.id],
        sound: `data:audio/wav;base64,${WAV.toString('base64')}`,
      });
      assert.deepEqual(json.json, { title: 'J', cover: 'cover.png', pages: ['b.pdf', 'kept.pdf'], sound: 'upload' });
      const big = Buffer.concat([PNG, Buffer.alloc(3_000_000)]).toString('base64');
      const large = await post(url, { pages: [], cover: big, sound: null, title: 'L' });
      assert.deepEqual(large.json, { title: 'L', cover: 'upload', pages: [], sound: null });
      const renamed = await post(url, { title: 'J', cover: ELF.toString('base64'), pages: [] });
      assert.equal(renamed.status, 415);
    });

    test('a task reads its file as path, stream or bytes, and gives files back by link or in base64', async () => {
      await using server = await serveTasks({ copy: COPY }, args);
      const linked = await send(`${server.url}/copy`, PNG, 'p.png');
      assert.equal(linked.json.isSame, true);
      const { url, ...facts } = linked.json.out;
      const sha256 = createHash('sha256').update(PNG).digest('hex');
      assert.deepEqual(facts, { name: 'copy of p.png', media_type: 'image/png', size: PNG.length, sha256 });
      const got = await fetch(url);
      assert.deepEqual(Buffer.from(await got.arrayBuffer()), PNG);
      assert.deepEqual([got.headers.get('content-type'), got.headers.get('etag')], ['image/png', `"${sha256}"`]);
      assert.match(got.headers.get('content-disposition') ?? '', /copy of p\.png/);
      const base64 = await call(`${server.url}/copy?as=base64&name=p.png`, {
        method: 'POST',
        body: new Uint8Array(PNG),
        headers: { 'content-type': 'application/octet-stream' },
      });
      assert.deepEqual(Buffer.from(base64.json.out.base64, 'base64'), PNG);
    });
  });
}
