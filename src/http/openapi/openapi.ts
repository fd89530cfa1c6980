import type { TaskEntry } from '../../tasks/tasks.ts';
import type { Route } from '../route.ts';
import { OPERATIONS } from './operations.ts';
import { SCHEMAS } from './schemas.ts';
import { content, header, type OpenApiObject, ref } from './shapes.ts';
import { taskOperation, taskSchemas } from './tasks.ts';

export interface OpenApiOptions {
  readonly routes: readonly Pick<Route, 'method' | 'path'>[];
  readonly tasks: readonly TaskEntry[];
  /** Calls need an API key. */
  readonly hasKeys: boolean;
}

const DESCRIPTION =
  'Takes files in, runs CPU-heavy work on them, and always answers. Every failure is `application/problem+json` with a stable `code`.';

/** The OpenAPI 3.1 document of these routes and tasks, in their order. */
export function buildOpenApi({ routes, tasks, hasKeys }: OpenApiOptions): OpenApiObject {
  const paths: Record<string, Record<string, OpenApiObject>> = {};
  for (const { method, path } of routes) {
    const operation = findOperation(tasks, method, path);
    if (!operation) continue;
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = withProblems(operation);
  }
  const keys = [{ bearer: [] }, { key: [] }];
  return {
    openapi: '3.1.1',
    info: {
      title: 'Penstock',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: ['tasks', 'jobs', 'files', 'uploads', 'operations'].map((name) => ({ name })),
    security: hasKeys ? keys : [{}, ...keys],
    paths,
    components: {
      schemas: { ...SCHEMAS, ...Object.assign({}, ...tasks.map(taskSchemas)) },
      responses: { Problem: PROBLEM },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
    },
  };
}

const PROBLEM: OpenApiObject = {
  description: 'refused or failed; the code tells why',
  headers: { 'retry-after': header('seconds, where waiting helps'), 'x-request-id': header('as in the log') },
  content: content('application/problem+json', ref('Problem')),
};

/** undefined: a page for people. */
function findOperation(tasks: readonly TaskEntry[], method: string, path: string): OpenApiObject | undefined {
  const known = OPERATIONS[`${method} ${path}`];
  if (known) return known;
  const entry = tasks.find((one) => one.path === path && one.methods.includes(method));
  return entry ? taskOperation(entry, method) : undefined;
}

/** Whatever goes wrong is told in one shape. */
function withProblems(operation: OpenApiObject): OpenApiObject {
  const { responses } = operation as { responses: OpenApiObject };
  return { ...operation, responses: { ...responses, default: ref('Problem', 'responses') } };
}
