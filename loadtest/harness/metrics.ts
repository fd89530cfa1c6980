import { request } from 'undici';

/** Sums of one scrape, over all label sets, by metric name. */
export type Scrape = ReadonlyMap<string, number>;

/** Reads `GET /metrics`; undefined where the server has none or does not answer in time. */
export async function scrapeMetrics(origin: string, limitMs = 5000): Promise<Scrape | undefined> {
  try {
    const { statusCode, body } = await request(`${origin}/metrics`, { signal: AbortSignal.timeout(limitMs) });
    const text = await body.text();
    return statusCode === 200 ? parseMetrics(text) : undefined;
  } catch {
    // A sample less; the scenarios ask the server itself whether it is alive.
    return undefined;
  }
}

/** Prometheus text format 0.0.4: `name{labels} value [timestamp]`, `#` starts a comment. */
export function parseMetrics(text: string): Scrape {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const number = Number(value);
    if (Number.isFinite(number)) sums.set(name, (sums.get(name) ?? 0) + number);
  }
  return sums;
}
