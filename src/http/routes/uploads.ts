import { AppError } from '../../core/errors.ts';
import { CHECKSUM_ALGORITHMS, formatUploadLimit, TUS_EXTENSIONS, TUS_VERSION } from '../../ingest/ingest.ts';
import type { Exchange } from '../exchange.ts';
import type { Params, Route } from '../route.ts';
import type { HeaderLine } from '../transport.ts';
import { owned } from './owned.ts';
import { createIetf, isIetf } from './uploads-ietf.ts';
import type { UploadProtocol, UploadRoutesOptions } from './uploads-shared.ts';
import { checkTusVersion, createTus } from './uploads-tus.ts';

const EXPOSED = [
  ...['Location', 'Content-Location', 'Link', 'Retry-After', 'X-Request-Id'],
  ...['Tus-Resumable', 'Tus-Version', 'Tus-Extension', 'Tus-Max-Size', 'Tus-Checksum-Algorithm'],
  ...['Upload-Offset', 'Upload-Length', 'Upload-Defer-Length', 'Upload-Metadata', 'Upload-Concat', 'Upload-Expires'],
  ...['Upload-Complete', 'Upload-Limit'],
].join(', ');

const PREFLIGHT: readonly HeaderLine[] = [
  ['access-control-allow-methods', 'OPTIONS, HEAD, GET, POST, PATCH, DELETE'],
  [
    'access-control-allow-headers',
    [
      ...['Authorization', 'X-Api-Key', 'Content-Type', 'Content-Disposition', 'Content-Digest', 'Repr-Digest'],
      ...['Tus-Resumable', 'Upload-Offset', 'Upload-Length', 'Upload-Defer-Length', 'Upload-Metadata', 'Upload-Concat'],
      ...['Upload-Checksum', 'Upload-Complete', 'Upload-Draft-Interop-Version'],
      ...['X-HTTP-Method-Override', 'X-Request-Id', 'X-Requested-With'],
    ].join(', '),
  ],
  ['access-control-max-age', '86400'],
];

/** Resumable uploads: tus 1.0.0 and the IETF draft on the same resources, told apart by the headers of the request. */
export function uploadRoutes(options: UploadRoutesOptions): readonly Route[] {
  const { store, maxUploadBytes } = options;
  const tus = createTus(options);
  const ietf = createIetf(options);

  function create(exchange: Exchange): Promise<void> {
    return chosen(exchange).create(exchange);
  }

  /** The protocol of a request that must name it. */
  function chosen(exchange: Exchange): UploadProtocol {
    if (isIetf(exchange)) return ietf;
    checkTusVersion(exchange);
    return tus;
  }

  /** A browser that looks at the URL names no protocol, and a client of the finished RFC has nothing to name it by. */
  async function chosenFor(exchange: Exchange, id: string): Promise<UploadProtocol> {
    const isNamed = exchange.header('tus-resumable') !== undefined || isIetf(exchange);
    if (isNamed) return chosen(exchange);
    const { protocol } = await store.status(id, 'look');
    if (protocol === 'ietf') return ietf;
    return exchange.method === 'DELETE' ? chosen(exchange) : tus;
  }

  async function act(exchange: Exchange, id: string): Promise<void> {
    const method = exchange.header('x-http-method-override') ?? exchange.method;
    switch (method.trim().toUpperCase()) {
      case 'HEAD':
      case 'GET':
        return (await chosenFor(exchange, id)).show(exchange, id);
      case 'PATCH':
        return chosen(exchange).append(exchange, id);
      case 'DELETE':
        return (await chosenFor(exchange, id)).remove(exchange, id);
      default:
        exchange.setHeader('allow', 'DELETE, GET, HEAD, OPTIONS, PATCH');
        throw new AppError('method_not_allowed', `${method.slice(0, 20)} does nothing here: use HEAD, PATCH or DELETE`);
    }
  }

  function discover(exchange: Exchange): void {
    const isPreflight = exchange.header('access-control-request-method') !== undefined;
    const headers: HeaderLine[] = [
      ['tus-resumable', TUS_VERSION],
      ['tus-version', TUS_VERSION],
      ['tus-extension', TUS_EXTENSIONS.join(',')],
      ['tus-max-size', String(maxUploadBytes)],
      ['tus-checksum-algorithm', CHECKSUM_ALGORITHMS.join(',')],
      ['upload-limit', formatUploadLimit({ maxSize: maxUploadBytes })],
    ];
    exchange.reply({ status: 204, headers: isPreflight ? [...headers, ...PREFLIGHT] : headers });
  }

  const one = (exchange: Exchange, { id = '' }: Params) => act(exchange, id);
  const routes: Route[] = [
    { method: 'POST', path: '/v1/uploads', handle: create },
    { method: 'OPTIONS', path: '/v1/uploads', handle: discover },
    { method: 'OPTIONS', path: '/v1/uploads/{id}', handle: discover },
    ...['HEAD', 'GET', 'PATCH', 'DELETE', 'POST'].map((method) => ({ method, path: '/v1/uploads/{id}', handle: one })),
  ];
  const { admission } = options;
  return owned(routes, { admission, find: store.assertKnown.bind(store) }).map((route) => ({
    ...route,
    handle: (exchange, params) => forBrowsers(exchange, route, params),
  }));
}

/** Any page may upload: there are no cookies that it could misuse, and an API key it must have from the user. */
async function forBrowsers(exchange: Exchange, route: Route, params: Params): Promise<void> {
  exchange.setHeader('access-control-allow-origin', '*');
  exchange.setHeader('access-control-expose-headers', EXPOSED);
  exchange.setHeader('cache-control', 'no-store');
  // On every answer, refusals included.
  if (exchange.header('tus-resumable') === TUS_VERSION) exchange.setHeader('tus-resumable', TUS_VERSION);
  await route.handle(exchange, params);
}
