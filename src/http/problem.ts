import type { AppError } from '../core/errors.ts';
import { reasonPhrase, statusOf } from './status.ts';
import type { HeaderLine } from './transport.ts';

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
}

/** An error as a problem document (RFC 9457); its type is `about:blank`, so its title is the status's phrase, unless its extra members say otherwise. */
export function problemAnswer(error: AppError, requestId: string): ProblemAnswer {
  const status = statusOf(error.code);
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
  if (status === 401) headers.push(['www-authenticate', 'Bearer']);
  return { status, headers, body: `${JSON.stringify(document)}\n` };
}
