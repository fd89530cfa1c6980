import assert from 'node:assert/strict';
import { AppError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';

export type Params = Readonly<Record<string, string>>;

/** One method on one path. A segment `{name}` of the path takes any one segment and hands it over decoded. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** Answers the exchange, or throws; an AppError is answered as it is, anything else as `internal`. */
  handle(exchange: Exchange, params: Params): Promise<void> | void;
}

/** What a method and a path lead to; `allow` is what 405 has to tell. */
export type Match =
  | { readonly kind: 'found'; readonly route: Route; readonly params: Params }
  | { readonly kind: 'other_methods'; readonly allow: readonly string[] }
  | { readonly kind: 'unknown_path' };

/** All routes of one path. */
interface Resource {
  readonly segments: readonly string[];
  readonly routes: Map<string, Route>;
}

const PARAM = /^\{(\w+)\}$/;

/**
 * Finds the route of a request; a literal segment wins over a parameter. HEAD falls back to the route of GET, whose body
 * the exchange leaves out. Error: `bad_request` when a segment is not valid percent-encoding.
 */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match {
  const resources = groupByPath(routes);

  return (method, path) => {
    const segments = path.split('/').map(decodeSegment);
    const resource = resources.find((candidate) => fits(candidate.segments, segments));
    if (!resource) return { kind: 'unknown_path' };
    const route = resource.routes.get(method) ?? (method === 'HEAD' ? resource.routes.get('GET') : undefined);
    if (!route) return { kind: 'other_methods', allow: allowedMethods(resource) };
    return { kind: 'found', route, params: readParams(resource.segments, segments) };
  };
}

function groupByPath(routes: readonly Route[]): Resource[] {
  const byPath = new Map<string, Resource>();
  for (const route of routes) {
    const resource = byPath.get(route.path) ?? { segments: route.path.split('/'), routes: new Map() };
    assert(!resource.routes.has(route.method), `two routes for ${route.method} ${route.path}`);
    resource.routes.set(route.method, route);
    byPath.set(route.path, resource);
  }
  return [...byPath.values()].sort((a, b) => rank(a.segments).localeCompare(rank(b.segments)));
}

/** Sorts literal segments before parameters, the earliest segment first. */
function rank(segments: readonly string[]): string {
  return segments.map((segment) => (PARAM.test(segment) ? '1' : '0')).join('');
}

/** A request's segment, decoded after the path was split; undefined: it is not valid percent-encoding. */
type Segment = string | undefined;

function fits(pattern: readonly string[], segments: readonly Segment[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => (PARAM.test(part) ? segments[index] !== '' : part === segments[index]));
}

function readParams(pattern: readonly string[], segments: readonly Segment[]): Params {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const name = PARAM.exec(part)?.[1];
    if (name === undefined) continue;
    const segment = segments[index];
    if (segment === undefined) throw new AppError('bad_request', 'the path is not valid percent-encoding');
    params[name] = segment;
  }
  return params;
}

function decodeSegment(segment: string): Segment {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function allowedMethods({ routes }: Resource): string[] {
  const methods = new Set(routes.keys());
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}
