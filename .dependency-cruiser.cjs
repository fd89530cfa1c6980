/** The rules of the tree (ARCHITECTURE.md, "Rules"), each with its reason. */
const STAGES =
  'http|ingest|storage|ledger|queue|limits|tasks|workers|raster|results|webhooks|serverless|cli|client|page';

/** A folder may import from the folders listed, and from core; nothing else inside src. */
const layer = (name, allowed) => ({
  name: `layer-${name}`,
  comment: `${name}/ stands on ${['core', 'api.ts', ...allowed].join(', ')} only: stages hand over by data, downwards`,
  severity: 'error',
  from: { path: `^src/${name}/`, pathNot: '[.]test[.]ts$' },
  to: {
    path: '^src/',
    pathNot: [
      `^src/${name}/`,
      '^src/core/',
      '^src/api[.]ts$',
      ...allowed.map((path) => (path.endsWith('$') ? `^src/${path}` : `^src/${path}/`)),
    ],
  },
});

const owner = (what, path, owners) => ({
  name: `owner-${what}`,
  comment: `${what} has one owner, so that its dangers are met in one place`,
  severity: 'error',
  from: { path: '^src/', pathNot: [...owners, '[.]test[.]ts$'] },
  to: { path },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'a cycle has no bottom', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-a-leaf',
      comment: 'core is vocabulary: it knows nothing of uploads or documents',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/(?!core/)' },
    },
    layer('storage', []),
    layer('queue', []),
    layer('limits', []),
    layer('raster', []),
    layer('ledger', ['storage', 'queue']),
    layer('ingest', ['storage', 'limits']),
    layer('workers', ['raster', 'tasks/task[.]ts$']),
    layer('tasks', ['ledger', 'ingest', 'workers', 'storage', 'queue', 'raster']),
    layer('results', ['ledger', 'storage', 'queue', 'tasks']),
    layer('webhooks', ['ingest', 'storage']),
    layer('serverless', ['tasks', 'results', 'ingest', 'queue']),
    layer('client', []),
    layer('cli', ['client']),
    layer('http', ['tasks', 'results', 'webhooks', 'ledger', 'ingest', 'storage', 'queue', 'limits']),
    {
      name: 'front-door',
      comment: "from another folder only its front door <folder>/<folder>.ts, so that a folder's inside can change",
      severity: 'error',
      from: {
        path: '^src/([^/]+)/',
        pathNot: ['[.]test[.]ts$', '^src/workers/raster-supply[.]ts$', '^src/workers/host[.]ts$'],
      },
      to: {
        path: `^src/(${STAGES})/`,
        pathNot: ['^src/$1/', '^src/([^/]+)/\\1[.]ts$', '^src/workers/protocol[.]ts$', '^src/tasks/task[.]ts$'],
      },
    },
    {
      name: 'implementations-in-composition-roots',
      comment: 'stages.ts picks for the process, workers/raster-supply.ts for its thread; all others know the contract',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/stages[.]ts$',
          '^src/workers/raster-supply[.]ts$',
          '[.]test[.]ts$',
          '^src/http/http[.]ts$',
          '^src/(storage|queue|raster)/',
        ],
      },
      to: {
        path: '^src/(storage/(disk|memory|s3)|queue/(memory|bullmq)|raster/(pdfjs|pdfium|pdfium-native|pdfium-wasm)|http/transports/(uws|node))[.]ts$',
      },
    },
    {
      name: 'no-tests-in-product',
      comment: 'tests may import the product, never the other way round',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { path: '([.]test[.]ts$|^test/|^loadtest/|^data/|^examples/)' },
    },
    owner('uWebSockets', '^(native/uws/|uWebSockets[.]js|node_modules/uWebSockets)', ['^src/http/transports/uws']),
    owner('pdfjs-and-canvas', 'node_modules/(pdfjs-dist|@napi-rs/canvas)', ['^src/raster/']),
    owner('foreign-functions', 'node_modules/koffi', ['^src/raster/pdfium-native']),
    owner('threads-and-processes', '^(node:)?(worker_threads|child_process)$', [
      '^src/workers/',
      '^src/ingest/digest',
      '^src/storage/quick-files',
      '^src/storage/quick-thread',
      '^src/watch',
    ]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
