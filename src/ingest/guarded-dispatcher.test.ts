import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { request } from 'undici';
import { AppError } from '../core/errors.ts';
import { createAddressGuard } from './address-guard.ts';
import { type FetchUrlOptions, fetchUrl } from './fetch-url.ts';
import { createGuardedDispatcher } from './guarded-dispatcher.ts';

/** A name for everything that a resolver may be made to answer. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  'loop.test': ['127.0.0.1'],
  'loop6.test': ['::1'],
  'zero.test': ['0.0.0.0'],
  'metadata.test': ['169.254.169.254'],
  'metadata6.test': ['fd00:ec2::254'],
  'ten.test': ['10.0.0.1'],
  'cgnat.test': ['100.100.100.200'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'compatible.test': ['::127.0.0.1'],
  'nat64.test': ['64:ff9b::7f00:1'],
  'sixtofour.test': ['2002:7f00:1::1'],
  'teredo.test': ['2001:0:7f00:1:0:0:80ff:fffe'],
  'ula.test': ['fd12:3456::1'],
  'link.test': ['fe80::1'],
  'mixed.test': ['93.184.215.14', '127.0.0.1'],
  'mixed6.test': ['127.0.0.1', '2606:4700::1111'],
  'xn--bcher-kva.test': ['127.0.0.1'],
  '0x7f.0.0.1.test': ['127.0.0.1'],
};

async function resolve(hostname: string) {
  const addresses = NAMES[hostname];
  if (!addresses) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' });
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
}

/** PORT stands for the port that the canary listens on, on every local address. */
const BLOCKED_HOSTS = `
  127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 0.0.0.1 00.0.0.0 1 2130706433 0x7f000001 0x7F.1
  0x7f.0.0.1 0x7f.0x0.0x0.0x1 017700000001 0177.0.0.1 0177.0.1 0177.0x0.0.1 127.0.0.0x1 127.000.000.001 127.0.0.1.
  0x7f.1. 2130706433. %31%32%37.0.0.1 127%2e0%2e0%2e1 127。0。0。1 127．0．0．1 127｡0｡0｡1 ①②⑦.⓪.⓪.① １２７.０.０.１ 0x7f%2e1
  ⅼoop.test loop。test LOOP.test loop.test. localhost LOCALHOST localhost. ｌｏｃａｌｈｏｓｔ 10.0.0.1 10.255.255.255
  0xa000001 012.0.0.1 167772161 172.16.0.1 172.31.255.254 0xac100001 192.168.0.1 192.168.1 0xc0a80101 3232235777
  169.254.169.254 169.254.43518 0xa9fea9fe 2852039166 0251.0376.0251.0376 0xa9.0xfe.0xa9.0xfe 169.254.169.254.
  169.254.170.2 168.63.129.16 100.64.0.1 100.100.100.200 0x646464c8 192.0.0.192 192.0.2.5 198.18.0.1
  198.19.255.255 198.51.100.7 203.0.113.9 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 [::1] [::]
  [0:0:0:0:0:0:0:1] [0000::0001] [::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:0001]
  [::FFFF:127.0.0.1] [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [::ffff:169.254.169.254] [::ffff:10.0.0.1]
  [::ffff:0.0.0.0] [64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::127.0.0.1] [64:ff9b:1::a00:1]
  [2002:7f00:1::] [2002:a9fe:a9fe::1] [2002:0a00:0001::1] [2001:0:7f00:1::]
  [2001:0000:4136:e378:8000:63bf:80ff:fffe] [fc00::1] [fd00:ec2::254] [fd20:ce::254] [fe80::1] [febf::1] [fec0::1]
  [ff02::1] [ff0e::1] [100::1] [2001:db8::1] [3fff::1] [5f00::1] [1000::1] [4000::1] [e000::1]
`
  .trim()
  .split(/\s+/)
  .concat(Object.keys(NAMES));

const BLOCKED_URLS = [
  'http:127.0.0.1:PORT/', // no slashes
  'http:/127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT\\',
  'http:////127.0.0.1:PORT/',
  'HTTP://127.0.0.1:PORT/',
  '  http://127.0.0.1:PORT/  ',
  'ht\ntp://127.0.\t0.1:PORT/',
  'http://127.0.0.1:PORT#@example.com/',
  'http://127.0.0.1:PORT?@example.com/',
  'http://127.0.0.1:PORT\\@example.com/',
  'http://127.0.0.1:PORT/..;/@example.com',
  'http://127.0.0.1',
  'http://127.0.0.1:80/',
  'http://127.0.0.1:0/',
  'http://127.0.0.1:22/',
  'http://127.0.0.1:65535/',
  'http://127.0.0.1:0000PORT/',
  'https://127.0.0.1:PORT/',
  'https://127.0.0.1/',
  'https://loop.test:PORT/',
  'https://[::1]:PORT/',
];

const BAD_URLS = [
  ...[
    '',
    ' ',
    'x',
    '/etc/passwd',
    '//127.0.0.1:PORT/',
    '127.0.0.1:PORT',
    'localhost:PORT',
    'http://',
    'http://?',
    'http://#',
  ],
  ...[
    'http:// /',
    'http://:PORT/',
    'http://127.0.0.1:65536/',
    'http://127.0.0.1:-1/',
    'http://127.0.0.1:8o/',
    'http://256.0.0.1/',
  ],
  ...[
    'http://127.0.0.1.0.1/',
    'http://0x100000000/',
    'http://[::1/',
    'http://::1/',
    'http://[::1%25lo]:PORT/',
    'http://[fe80::1%eth0]/',
  ],
  ...[
    'http://[127.0.0.1]:PORT/',
    'http://[::ffff:127.0.0.256]/',
    'http://[v1.x]/',
    'http://a b/',
    'http://a<b/',
    'http://%00/',
    'http://a%2fb/',
  ],
  ...[
    'http://user@127.0.0.1:PORT/',
    'http://user:secret@127.0.0.1:PORT/',
    'http://:secret@127.0.0.1:PORT/',
    'http://example.com@127.0.0.1:PORT/',
  ],
  ...[
    'http://127.0.0.1:PORT@127.0.0.1:PORT/',
    'http://example.com%40@127.0.0.1:PORT/',
    'ftp://127.0.0.1:PORT/',
    'file:///etc/passwd',
  ],
  ...[
    'file://127.0.0.1/etc/passwd',
    'gopher://127.0.0.1:PORT/_x',
    'ws://127.0.0.1:PORT/',
    'wss://127.0.0.1:PORT/',
    'unix:/run/x.sock',
  ],
  ...[
    'data:text/plain;base64,QUJD',
    'blob:http://127.0.0.1:PORT/x',
    'javascript:alert(1)',
    'about:blank',
    'dict://127.0.0.1:PORT/',
  ],
  ...[
    'ldap://127.0.0.1:PORT/',
    'jar:http://127.0.0.1:PORT/!/',
    'view-source:http://127.0.0.1:PORT/',
    'http+unix://x/',
    'no-such-name.test',
  ],
  ...['http://no-such-name.test:PORT/', `http://loop.test/${'a'.repeat(9000)}`],
];

/** Counts whoever comes near; nobody should. */
async function startCanary() {
  const seen: string[] = [];
  const accept = (socket: Socket) => {
    seen.push(`${socket.remoteAddress}`);
    socket.destroy();
  };
  const first = createTcpServer(accept).listen(0, '0.0.0.0');
  await once(first, 'listening');
  const port = portOf(first);
  const second = createTcpServer(accept).listen({ port, host: '::', ipv6Only: true });
  // A machine without IPv6 has no IPv6 way in either.
  await Promise.race([once(second, 'listening'), once(second, 'error')]);
  return { port, seen, close: () => [first, second].map((server) => server.close()) };
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

async function startServer(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Downloads and tells the outcome in a word: the code of the error, or the text of the file. */
async function outcome(url: string, options: Partial<FetchUrlOptions> & { allow?: string[] } = {}): Promise<string> {
  const guard = createAddressGuard({ allow: options.allow ?? [], resolve });
  const signal = new AbortController().signal;
  try {
    const file = await fetchUrl(url, { guard, signal, maxBytes: 1e6, timeoutMs: 10_000, ...options });
    const chunks: Uint8Array[] = [];
    for (let chunk = await file.source.next(); chunk; chunk = await file.source.next()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('latin1');
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

suite('fetch by URL: what must never be reached', () => {
  let canary: Awaited<ReturnType<typeof startCanary>>;
  let redirector: Server;
  const aim = (text: string) => text.replaceAll('PORT', String(canary.port));

  before(async () => {
    canary = await startCanary();
    redirector = await startServer((request, response) => {
      const [, status, target] = /^\/(30\d)(.*)$/.exec(request.url ?? '') ?? [];
      if (target === undefined) response.writeHead(404).end('a relative target ends up here');
      else response.writeHead(Number(status), { location: decodeURIComponent(target) }).end('moved');
    });
  });

  after(() => {
    canary.close();
    redirector.close();
  });

  const targets: [url: string, expected: string][] = [
    ...BLOCKED_HOSTS.map((host): [string, string] => [`http://${host}:PORT/latest`, 'blocked_address']),
    ...BLOCKED_URLS.map((url): [string, string] => [url, 'blocked_address']),
    ...BAD_URLS.map((url): [string, string] => [url, 'bad_request']),
  ];

  test(`${targets.length} ways to write an inside target are refused, and the canary sees nobody`, async () => {
    for (const [url, expected] of targets) assert.equal(await outcome(aim(url)), expected, url);
    assert.deepEqual(canary.seen, []);
  });

  test('the same targets are refused when a public-looking server redirects to them', async () => {
    const port = portOf(redirector);
    for (const [index, [url]] of targets.entries()) {
      if (url.length > 2000 || /[^ -~]/.test(url)) continue;
      const status = [301, 302, 303, 307, 308][index % 5];
      const entry = `http://127.0.0.1:${port}/${status}${encodeURIComponent(aim(url))}`;
      const told = await outcome(entry, { allow: [`127.0.0.1:${port}`] });
      assert.ok(told === 'blocked_address' || told === 'bad_request', `${url} gave ${told}`);
    }
    assert.deepEqual(canary.seen, []);
  });

  test('the literals and names are refused for what they are, not for their spelling', async () => {
    const plain = ['127.1', '0x7f000001', '017700000001', '2130706433', '①②⑦.⓪.⓪.①', '[::ffff:7f00:1]', '[::7f00:1]'];
    for (const host of [
      ...plain,
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      'metadata.test',
      'mixed6.test',
      'loop.test',
    ]) {
      assert.equal(await outcome(aim(`http://${host}:PORT/`)), 'blocked_address', host);
    }
    assert.deepEqual(canary.seen, []);
  });

  test('a name that answers differently the second time does not get through (DNS rebinding)', async () => {
    const checked = createServer((_, response) => response.end('checked')).listen(0, '127.0.0.2');
    await once(checked, 'listening');
    let asked = 0;
    const rebinding = async () => [{ address: asked++ === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
    const guard = createAddressGuard({ allow: ['127.0.0.2'], resolve: rebinding });
    assert.equal(await outcome(`http://rebind.test:${portOf(checked)}/`, { guard }), 'checked');
    assert.equal(asked, 1);
    checked.close();
  });

  test('any request of undici through the guarded dispatcher is held to the same rule', async () => {
    const dispatcher = createGuardedDispatcher({ guard: createAddressGuard({ resolve }) });
    for (const host of ['127.0.0.1', 'loop.test', '[::1]', 'mapped.test']) {
      const call = request(aim(`http://${host}:PORT/hook`), { dispatcher, method: 'POST', body: '{}' });
      await assert.rejects(call, { code: 'blocked_address' });
    }
    const port = portOf(redirector);
    const open = createGuardedDispatcher({ guard: createAddressGuard({ allow: [`lan.test:${port}`], resolve: lan }) });
    const { statusCode, body } = await request(`http://lan.test:${port}/hook`, { dispatcher: open, method: 'POST' });
    assert.deepEqual([statusCode, await body.text()], [404, 'a relative target ends up here']);
    await Promise.all([dispatcher.close(), open.close()]);
    assert.deepEqual(canary.seen, []);
  });

  test('the canary does see whoever the allow-list lets in', async () => {
    assert.equal(await outcome(aim('http://loop.test:PORT/'), { allow: ['127.0.0.0/8'] }), 'bad_request');
    assert.deepEqual(canary.seen, ['127.0.0.1']);
  });
});

const lan = async () => [{ address: '127.0.0.1', family: 4 }];
