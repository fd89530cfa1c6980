import type { AppError } from '../core/errors.ts';
import { reasonPhrase, statusOf } from './status.ts';
import type { HeaderLine, WholeAnswer } from './transport.ts';

/** An error as a problem document (RFC 9457); its type is `about:blank`, so its title is the status's phrase, unless its extra members say otherwise. */
export function problemAnswer(error: AppError, requestId: string): WholeAnswer {
  const status = statusOf(error.code);
  // First, so that none of them can pass for a member that RFC 9457 defines.
  const document = {
    type: 'about:blank',
    title: reasonPhrase(status),
    ...error.extra,
    status,
    code: error.code,
    detail: error.message,
    request_id: requestId,
  };
  const headers: HeaderLine[] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ];
  if (error.retryAfterS !== undefined) headers.push(['retry-after', String(Math.ceil(error.retryAfterS))]);
  // RFC 9110 section 15.5.2: a 401 names a way to authenticate.
  if (status === 401) headers.push(['www-authenticate', 'Bearer']);
  return { status, headers, body: `${JSON.stringify(document)}\n` };
}
