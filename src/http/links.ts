import type { FileJson, JobJson } from '../api.ts';
import type { Exchange } from './exchange.ts';

export function jobUrl(exchange: Exchange, id: string): string {
  return `${exchange.origin}/v1/jobs/${id}`;
}

/** Makes the `url` and `links` members of a job absolute: they are kept relative to the job. */
export function linkJob(exchange: Exchange, job: JobJson): JobJson {
  return linkJobAt(exchange.origin, job);
}

/** The same where there is no request: `root` is `http://host:port`. */
export function linkJobAt(root: string, job: JobJson): JobJson {
  const base = `${root}/v1/jobs/${job.id}`;
  const links = Object.fromEntries(
    Object.entries(job.links).map(([rel, path]) => [rel, path === '' ? base : `${base}/${path}`]),
  );
  const result = 'result' in job ? { result: absolute(job.result, `${base}/`) } : {};
  return { ...job, links, ...result };
}

/** The same for a result alone. */
export function linkResult(exchange: Exchange, jobId: string, result: unknown): unknown {
  return absolute(result, `${jobUrl(exchange, jobId)}/`);
}

/** The same for a generator's items, each already JSON. */
export async function* linkItems(
  exchange: Exchange,
  jobId: string,
  items: AsyncIterable<string>,
): AsyncGenerator<string> {
  for await (const json of items) {
    const hasLinks = json.includes('"url"');
    yield hasLinks ? JSON.stringify(linkResult(exchange, jobId, JSON.parse(json))) : json;
  }
}

function absolute(value: unknown, base: string): unknown {
  if (Array.isArray(value)) return value.map((item) => absolute(item, base));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const isRelative = name === 'url' && typeof member === 'string' && !/^([a-z][a-z0-9+.-]*:|\/)/i.test(member);
      return [name, isRelative ? base + member : absolute(member, base)];
    }),
  );
}

export interface FileFacts {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly mediaType: string;
  readonly createdAt: string;
}

export function toFileJson(exchange: Exchange, file: FileFacts): FileJson {
  const { id, name, size, sha256 } = file;
  return {
    id,
    name,
    size,
    sha256,
    media_type: file.mediaType,
    created_at: file.createdAt,
    url: `${exchange.origin}/v1/files/${id}`,
  };
}
