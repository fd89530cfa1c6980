import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AppError, systemCode } from '../../core/errors.ts';
import type { TaskEntry } from '../../tasks/tasks.ts';
import type { Exchange } from '../exchange.ts';
import { buildOpenApi } from '../openapi/openapi.ts';
import type { Route } from '../route.ts';

export interface DocsRoutesOptions {
  /** All others. */
  readonly routes: readonly Route[];
  readonly tasks: readonly TaskEntry[];
  readonly hasKeys: boolean;
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Penstock: API reference</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null });\n`;
const TYPES = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' } as const;
/** Nothing of the page comes from elsewhere; its styles are set by its script. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** `/openapi.json`, and `/docs`, a reference page with Swagger UI, served from here. */
export function docsRoutes({ routes, tasks, hasKeys }: DocsRoutesOptions): readonly Route[] {
  function page(exchange: Exchange): void {
    const headers = [
      ['content-type', 'text/html; charset=utf-8'],
      ['content-security-policy', POLICY],
    ] as const;
    exchange.reply({ status: 200, headers, body: PAGE });
  }

  async function asset(exchange: Exchange, name: string): Promise<void> {
    if (name === 'start.js') return send(exchange, 'text/javascript', START);
    if (!isAsset(name)) throw new AppError('not_found', `there is no ${exchange.path.slice(0, 256)}`);
    send(exchange, TYPES[name], await readAsset(name));
  }

  const own: readonly Route[] = [
    {
      method: 'GET',
      path: '/openapi.json',
      handle: (exchange) =>
        exchange.reply({ status: 200, headers: [['content-type', 'application/json']], body: document() }),
    },
    { method: 'GET', path: '/docs', handle: page },
    { method: 'GET', path: '/docs/{file}', handle: (exchange, { file = '' }) => asset(exchange, file) },
  ];
  let made: string | undefined;
  const document = () => {
    made ??= JSON.stringify(buildOpenApi({ routes: [...routes, ...own], tasks, hasKeys }));
    return made;
  };
  return own;
}

function send(exchange: Exchange, type: string, body: Uint8Array | string): void {
  const headers = [
    ['content-type', `${type}; charset=utf-8`],
    ['cache-control', 'max-age=3600'],
    ['x-content-type-options', 'nosniff'],
  ] as const;
  exchange.reply({ status: 200, headers, body });
}

function isAsset(name: string): name is keyof typeof TYPES {
  return Object.hasOwn(TYPES, name);
}

/** Of the package, or of the copy that `npm run build` puts beside the compiled server. */
async function readAsset(name: string): Promise<Uint8Array> {
  for (const folder of [() => new URL('../../../reference-page/', import.meta.url), packageFolder]) {
    try {
      return await readFile(new URL(name, folder()));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    }
  }
  throw new AppError('not_found', 'the reference page is not installed; /openapi.json is the same for programs');
}

function packageFolder(): URL {
  return pathToFileURL(`${dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))}/`);
}
