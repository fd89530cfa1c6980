import { parse as parseDisposition } from 'content-disposition';
import { AppError } from '../core/errors.ts';
import { type Delivered, type Delivery, type Doors, parseDigest } from '../ingest/ingest.ts';
import type { DiskWatch, Limits } from '../limits/limits.ts';
import type { Exchange } from './exchange.ts';

export interface UploadOptions {
  readonly doors: Doors;
  readonly limits: Limits;
  readonly disk: DiskWatch;
  /** Bytes. */
  readonly maxUploadBytes: number;
  /** Bytes per second, 0: off; and the seconds before it counts. */
  readonly minUploadRate: number;
  readonly uploadGraceS: number;
}

export interface ReceiveOptions {
  readonly caller: string;
  /** raw: the body is the file whatever its type; any: forms and JSON objects are taken apart. */
  readonly as: 'raw' | 'any';
  /** Members of a JSON body that may be files themselves; default: none. */
  readonly fileMembers?: readonly string[];
  /** Ends the upload; default: when the client is gone. */
  readonly signal?: AbortSignal;
}

export type FieldsOptions = Omit<ReceiveOptions, 'as'>;

export interface Uploads {
  /** Stores the request's body. What the headers already rule out is refused before a byte is read. */
  receive(exchange: Exchange, options: ReceiveOptions): Promise<Delivered>;
  /** Reads a body that is members only, JSON or urlencoded. Errors: `bad_request`, `too_large`. */
  receiveFields(exchange: Exchange, options: FieldsOptions): Promise<Delivered & { readonly from: 'json' | 'text' }>;
  /** Stores the files that members of a call hold or point to. */
  bring(
    exchange: Exchange,
    sources: readonly (readonly [string, unknown])[],
    options: FieldsOptions,
  ): Promise<Delivered>;
}

export function createUploads(options: UploadOptions): Uploads {
  const { doors, limits, disk, maxUploadBytes } = options;
  const minRate =
    options.minUploadRate > 0 ? { bytesPerS: options.minUploadRate, graceS: options.uploadGraceS } : undefined;

  function receive(exchange: Exchange, { as, ...options }: ReceiveOptions): Promise<Delivered> {
    return inPlace(as === 'raw' ? doors.raw : chooseDoor(doors, exchange), exchange, options);
  }

  /** In one of the places for running uploads. */
  async function inPlace<T>(open: (delivery: Delivery) => Promise<T>, exchange: Exchange, options: FieldsOptions) {
    const { caller, signal = exchange.signal, fileMembers = [] } = options;
    const delivery = describe(exchange, { signal, caller, fileMembers });
    const release = limits.takeUpload(caller);
    try {
      await disk.assertRoom();
      return await open(delivery);
    } finally {
      release();
    }
  }

  function describe(exchange: Exchange, options: Pick<Delivery, 'signal' | 'caller' | 'fileMembers'>): Delivery {
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
    refuseEncoding(exchange);
    return {
      body: exchange.body,
      contentType: exchange.header('content-type') ?? '',
      name: sentName(exchange),
      declaredBytes,
      maxBytes: maxUploadBytes,
      minRate,
      expectedDigests: sentDigests(exchange),
      ...options,
    };
  }

  const bring: Uploads['bring'] = async (exchange, sources, { caller, signal = exchange.signal }) => {
    const release = limits.takeUpload(caller);
    try {
      await disk.assertRoom();
      return await doors.members(sources, { maxBytes: maxUploadBytes, signal, caller });
    } finally {
      release();
    }
  };

  return { receive, receiveFields: (exchange, options) => inPlace(doors.fields, exchange, options), bring };
}

/** The essence of the request's media type, in lower case; empty where none was sent. */
export function sentMediaType(exchange: Exchange): string {
  const [essence = ''] = (exchange.header('content-type') ?? '').toLowerCase().split(';');
  return essence.trim();
}

function chooseDoor(doors: Doors, exchange: Exchange): Doors['raw'] {
  const mediaType = sentMediaType(exchange);
  if (mediaType === 'multipart/form-data') return doors.form;
  return mediaType === 'application/json' ? doors.json : doors.raw;
}

/** Bytes are stored as they come: a coding would be stored as the file. */
export function refuseEncoding(exchange: Exchange): void {
  const coding = exchange.header('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (coding === 'identity' || coding === '') return;
  throw new AppError(
    'unsupported_media_type',
    `Content-Encoding ${coding.slice(0, 64)} is not taken; send the plain bytes`,
  );
}

/** Without a content coding the content is the representation, so both headers speak of the same bytes (RFC 9530 section 3). */
function sentDigests(exchange: Exchange): Delivery['expectedDigests'] {
  const lines = [...exchange.headers('content-digest'), ...exchange.headers('repr-digest')];
  return lines.flatMap(parseDigest);
}

/** `?name=`, or the filename of a Content-Disposition header (RFC 6266); one that cannot be read names nothing. */
export function sentName(exchange: Exchange): string | undefined {
  const disposition = exchange.header('content-disposition') ?? '';
  return exchange.query.get('name') ?? parseDisposition(disposition).parameters.filename;
}
