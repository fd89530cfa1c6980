import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { startTestServer, type TestServer, type TransportName } from './http-server.ts';
import { RawClient } from './raw-client.ts';

/** A whole request to put behind another; its length is always the same. */
const hidden = (id: string) => `GET /hello HTTP/1.1\r\nHost: a\r\nx-request-id: h${id}\r\n\r\n`;
const HIDDEN_BYTES = hidden('1000').length;
const CHUNKED_ABC = '3\r\nabc\r\n0\r\n\r\n';

/** What follows the request line, in which the front and the back of a chain could see different requests. */
const DOUBTFUL: readonly (readonly [title: string, rest: string])[] = [
  ['the same Content-Length twice', 'Host: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc'],
  [
    'two Content-Lengths, the shorter first',
    `Host: a\r\nContent-Length: 3\r\nContent-Length: ${3 + HIDDEN_BYTES}\r\n\r\nabc`,
  ],
  [
    'two Content-Lengths, the longer first',
    `Host: a\r\nContent-Length: ${3 + HIDDEN_BYTES}\r\nContent-Length: 3\r\n\r\nabc`,
  ],
  ['two Content-Lengths, one of them 0', 'Host: a\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n'],
  ['a list of Content-Lengths', 'Host: a\r\nContent-Length: 3, 3\r\n\r\nabc'],
  ['a Content-Length with a plus', 'Host: a\r\nContent-Length: +3\r\n\r\nabc'],
  ['a Content-Length with a minus', 'Host: a\r\nContent-Length: -3\r\n\r\nabc'],
  ['a hexadecimal Content-Length', 'Host: a\r\nContent-Length: 0x3\r\n\r\nabc'],
  ['an empty Content-Length', 'Host: a\r\nContent-Length:\r\n\r\nabc'],
  ['a Content-Length with a space inside', 'Host: a\r\nContent-Length: 3 3\r\n\r\nabc'],
  ['a Content-Length that overflows', 'Host: a\r\nContent-Length: 18446744073709551619\r\n\r\nabc'],
  ['a space before the colon', 'Host: a\r\nContent-Length : 3\r\n\r\nabc'],
  ['a space before the colon of Transfer-Encoding', `Host: a\r\nTransfer-Encoding : chunked\r\n\r\n${CHUNKED_ABC}`],
  ['a folded line', 'Host: a\r\nContent-Length:\r\n 3\r\n\r\nabc'],
  ['xchunked', `Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n${CHUNKED_ABC}`],
  ['gzip, chunked', `Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${CHUNKED_ABC}`],
  ['chunked, chunked', `Host: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n${CHUNKED_ABC}`],
  ['chunked, identity', `Host: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n${CHUNKED_ABC}`],
  ['identity', 'Host: a\r\nTransfer-Encoding: identity\r\n\r\nabc'],
  ['quoted chunked', `Host: a\r\nTransfer-Encoding: "chunked"\r\n\r\n${CHUNKED_ABC}`],
  ['an empty Transfer-Encoding', `Host: a\r\nTransfer-Encoding:\r\n\r\n${CHUNKED_ABC}`],
  [
    'Transfer-Encoding twice',
    `Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_ABC}`,
  ],
  [
    'Transfer-Encoding: identity, then chunked',
    `Host: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_ABC}`,
  ],
  [
    'Content-Length before Transfer-Encoding',
    `Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_ABC}`,
  ],
  [
    'Transfer-Encoding before Content-Length',
    `Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n${CHUNKED_ABC}`,
  ],
  ['two Hosts', 'Host: a\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc'],
  ['the same Host twice', 'Host: a\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['no Host', 'Content-Length: 3\r\n\r\nabc'],
  ['a Host with a path', 'Host: a/b\r\nContent-Length: 3\r\n\r\nabc'],
  ['a NUL in a header', 'Host: a\r\nx-a: \0\r\nContent-Length: 3\r\n\r\nabc'],
  ['a header without a colon', 'Host: a\r\nContent-Length 3\r\n\r\nabc'],
  ['a chunk size that is no number', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with g', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n0123456789abcdef\r\n0\r\n\r\n'],
  ['a chunk size with a colon', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n:\r\n0123456789\r\n0\r\n\r\n'],
];

/** Behind a request that is fine by itself. */
const TRAILING: readonly (readonly [title: string, rest: string])[] = [
  ['a chunked body whose end is not ended', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nxx'],
  ['a chunked body with a trailer', 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'],
];

/** What a parser may not see, and then takes the body for a request. */
const OVERLOOKED: readonly (readonly [title: string, rest: string])[] = [
  ['a length behind an empty header name', `Host: a\r\n: x\r\nContent-Length: ${HIDDEN_BYTES}\r\n\r\n`],
  ['a length behind an empty header', `Host: a\r\n:\r\nContent-Length: ${HIDDEN_BYTES}\r\n\r\n`],
  ['a length behind an empty first header name', `: x\r\nHost: a\r\nContent-Length: ${HIDDEN_BYTES}\r\n\r\n`],
  ['a coding behind an empty header name', 'Host: a\r\n: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  [
    'a second length behind an empty header name',
    `Host: a\r\nContent-Length: 0\r\n: x\r\nContent-Length: ${HIDDEN_BYTES}\r\n\r\n`,
  ],
];
/** RFC 9112 section 7.1: sizes in any case, with zeros before them and extensions behind. */
const CHUNKED: readonly (readonly [body: string, bytes: string])[] = [
  ['3;a=b\r\nabc\r\n0\r\n\r\n', 'abc'],
  ['3;foo=bar\r\nabc\r\n0;last\r\n\r\n', 'abc'],
  ['1;q\r\na\r\n2;x="y;z"\r\nbc\r\n0\r\n\r\n', 'abc'],
  ['0003;a\r\nabc\r\n0\r\n\r\n', 'abc'],
  ...['ab', 'AB', 'aB'].map((size) => [`${size}\r\n${'x'.repeat(0xab)}\r\n0\r\n\r\n`, 'x'.repeat(0xab)] as const),
];

const METHODS = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH'];

const TARGETS: readonly (readonly [title: string, target: string])[] = [
  ['too long', `/${'a'.repeat(9_000)}`],
  ['no path', 'hello'],
  ['an address', 'http://'],
  ['another scheme', 'ftp://a/hello'],
  ['an asterisk', '*'],
];

const ODD_BUT_HARMLESS: readonly (readonly [target: string, status: number])[] = [
  ['/%zz', 404],
  ['/bytes/%zz', 400],
  ['/hello?%zz=%&&&=', 200],
  ['//hello', 404],
  ['/hello/', 404],
  ['/%2e%2e/hello', 404],
  ['/__proto__', 404],
];

/** Requests that are refused before any route sees them, whole and byte by byte; what hides behind them is never run. */
export function framingContract(transport: TransportName): void {
  suite(`framing on ${transport}`, { concurrency: true }, () => {
    let server: TestServer;
    let lastId = 1000;
    const newId = () => String(++lastId);
    before(async () => {
      server = await startTestServer(transport);
    });
    after(async () => {
      await server.http.close();
    });

    /** Sends until the connection is gone, however it ends, and returns the first answer if there was one. */
    async function speak(text: string, isByteByByte: boolean): Promise<number | undefined> {
      const client = await RawClient.open(server.port);
      const answered = client.response();
      if (isByteByByte) await client.sendByteByByte(text);
      else await client.send(text);
      const response = await answered;
      // What hides behind it had its chance when the server has seen the end of the input.
      client.socket.end();
      await client.closed;
      return response?.status;
    }

    async function overlook(method: string, rest: string, isByteByByte: boolean): Promise<void> {
      const id = newId();
      const path = method === 'GET' || method === 'HEAD' ? '/hello' : '/digest';
      const status = await speak(`${method} ${path} HTTP/1.1\r\n${rest}${hidden(id)}`, isByteByByte);
      assertRefusal(status, [400]);
      assert.ok(!server.ran.includes(`h${id}`), `the request hidden in ${method} ran`);
    }

    for (const way of ['whole', 'byte by byte']) {
      const isByteByByte = way !== 'whole';
      for (const [title, rest] of DOUBTFUL) {
        test(`${title}, ${way}: refused, and nothing behind it runs`, async () => {
          const id = newId();
          const alone = await speak(`POST /digest HTTP/1.1\r\nx-request-id: d${id}\r\n${rest}`, isByteByByte);
          assertRefusal(alone, [400, 501]);
          await speak(`POST /digest HTTP/1.1\r\nx-request-id: d${id}\r\n${rest}${hidden(id)}`, isByteByByte);
          assert.ok(!server.ran.includes(`h${id}`), 'the hidden request ran');
          // What is wrong inside the body shows when a route already reads it.
          assert.ok(!server.ran.includes(`d${id}`) || title.startsWith('a chunk'), 'the doubtful request ran');
        });
      }

      for (const [title, rest] of OVERLOOKED) {
        test(`${title}, ${way}: refused, and nothing behind it runs`, async () => {
          for (const method of METHODS) await overlook(method, rest, isByteByByte);
        });
      }

      for (const [title, rest] of TRAILING) {
        test(`${title}, ${way}: nothing behind it runs`, async () => {
          const id = newId();
          await speak(`POST /digest HTTP/1.1\r\n${rest}${hidden(id)}`, isByteByByte);
          assert.ok(!server.ran.includes(`h${id}`), 'the hidden request ran');
        });
      }

      for (const [title, target] of TARGETS) {
        test(`a target that is ${title}, ${way}: refused`, async () => {
          const status = await speak(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, isByteByByte);
          assertRefusal(status, [400, 505]);
        });
      }
    }

    test('a refusal is a problem document that says what was wrong', async () => {
      const client = await RawClient.open(server.port);
      await client.send(
        'POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nx-request-id: me\r\n\r\n0\r\n\r\n',
      );
      const response = await client.response();
      const { code, detail, request_id } = JSON.parse(response?.body ?? '{}');
      assert.deepEqual({ code, request_id }, { code: 'bad_framing', request_id: 'me' });
      assert.match(detail, /Transfer-Encoding other than chunked/);
      assert.equal(response?.headers.get('connection'), 'close');
      await client.closed;
    });

    for (const [body, bytes] of CHUNKED) {
      test(`the chunks ${JSON.stringify(body.slice(0, 40))} are known, and what is said beside their size is passed over`, async () => {
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        for (const isByteByByte of [false, true]) {
          const client = await RawClient.open(server.port);
          const text = `POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
          if (isByteByByte) await client.sendByteByByte(text);
          else await client.send(text);
          const response = await client.response();
          client.socket.destroy();
          assert.deepEqual(JSON.parse(response?.body ?? 'null'), { bytes: bytes.length, sha256 });
        }
      });
    }

    test('chunked is known in any case', async () => {
      assert.equal(
        await speak(`POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n${CHUNKED_ABC}`, false),
        200,
      );
    });

    for (const [target, status] of ODD_BUT_HARMLESS) {
      test(`the target ${JSON.stringify(target)} is answered ${status}`, async () => {
        assert.equal(await speak(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, false), status);
      });
    }

    test('bytes that are no HTTP are refused', async () => {
      for (const bytes of [
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        'hello\r\n\r\n',
        '\r\n\r\n\r\n\r\n',
        `GET /hello HTTP/1.1\r\n${'x-a: b\r\n'.repeat(4_000)}\r\n`,
      ]) {
        const client = await RawClient.open(server.port);
        client.socket.end(bytes, 'latin1');
        const status = (await client.response())?.status;
        assert.ok(status === undefined || status >= 400, `answered ${status}`);
      }
    });
  });
}

/** Closed without an answer is a refusal, too. */
function assertRefusal(status: number | undefined, allowed: readonly number[]): void {
  assert.ok(status === undefined || allowed.includes(status), `answered ${status}`);
}
