export interface TargetParts {
  /** Still percent-encoded. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
}

/** An absolute-form target, as sent to proxies, means its path (RFC 9112 section 3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/** Takes a request target apart without a URL parser, which could refuse it: every string has a result. */
export function splitTarget(target: string): TargetParts {
  const origin = target.replace(ABSOLUTE_FORM, '');
  const mark = origin.indexOf('?');
  const path = mark < 0 ? origin : origin.slice(0, mark);
  return { path: path === '' ? '/' : path, query: mark < 0 ? '' : origin.slice(mark + 1) };
}
