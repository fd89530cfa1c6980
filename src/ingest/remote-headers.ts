import { parse as parseDisposition } from 'content-disposition';
import type { Dispatcher } from 'undici';

type Headers = Dispatcher.ResponseData['headers'];

/** A header's value; repeated lines are one list (RFC 9110 section 5.2). */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** `text/html; charset=utf-8` is `text/html`. */
export function mediaType(headers: Headers): string | undefined {
  const essence = header(headers, 'content-type')?.split(/[;,]/, 1)[0]?.trim().toLowerCase();
  return essence || undefined;
}

/** The file's name by Content-Disposition (RFC 6266), else by the URL's path; a single segment, of what the server claims. */
export function remoteName(headers: Headers, url: URL): string | undefined {
  const disposition = header(headers, 'content-disposition');
  const told = disposition === undefined ? undefined : parseDisposition(disposition).parameters.filename;
  return lastSegment(told ?? '') ?? lastSegment(decode(url.pathname));
}

function lastSegment(path: string): string | undefined {
  return path.split(/[\\/]/).at(-1) || undefined;
}

/** `%zz` is legal in a URL's path, and then it is part of the name. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
