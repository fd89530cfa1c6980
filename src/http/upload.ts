import { AppError } from '../core/errors.ts';
import type { Ingest, StoredFile } from '../ingest/ingest.ts';
import type { DiskWatch, Limits } from '../limits/limits.ts';
import type { Exchange } from './exchange.ts';

export interface UploadOptions {
  readonly ingest: Ingest;
  readonly limits: Limits;
  readonly disk: DiskWatch;
  /** Bytes. */
  readonly maxUploadBytes: number;
  /** Bytes per second, 0: off; and the seconds before it counts. */
  readonly minUploadRate: number;
  readonly uploadGraceS: number;
}

export interface Uploads {
  /** Stores the request's raw body. What the headers already rule out is refused before a byte is read. */
  receive(exchange: Exchange): Promise<StoredFile>;
}

const DEFAULT_NAME = 'upload';

export function createUploads(options: UploadOptions): Uploads {
  const { ingest, limits, maxUploadBytes } = options;

  async function receive(exchange: Exchange): Promise<StoredFile> {
    const declaredBytes = exchange.contentLength;
    if (declaredBytes === undefined && !exchange.hasBody) {
      throw new AppError('length_required', 'send the file as the request body, with Content-Length or chunked');
    }
    if (declaredBytes !== undefined && declaredBytes > maxUploadBytes) {
      throw new AppError(
        'too_large',
        `${declaredBytes} bytes are more than the ${maxUploadBytes} that an upload may have`,
      );
    }
    const release = limits.takeUpload();
    try {
      await options.disk.assertRoom();
      return await ingest.receive(exchange.body, {
        name: sentName(exchange) ?? DEFAULT_NAME,
        declaredType: exchange.header('content-type'),
        declaredBytes,
        maxBytes: maxUploadBytes,
        minRate:
          options.minUploadRate > 0 ? { bytesPerS: options.minUploadRate, graceS: options.uploadGraceS } : undefined,
        signal: exchange.signal,
      });
    } finally {
      release();
    }
  }

  return { receive };
}

/** `?name=`, or the filename of a Content-Disposition header. */
function sentName(exchange: Exchange): string | undefined {
  const header = exchange.header('content-disposition') ?? '';
  const [, quoted, token] = /;\s*filename="([^"]*)"|;\s*filename=([^\s;]+)/i.exec(header) ?? [];
  return exchange.query.get('name') ?? quoted ?? token;
}
