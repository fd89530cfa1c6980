import { AppError } from '../../core/errors.ts';
import {
  type AppendRequest,
  formatUploadLimit,
  type IetfHeaders,
  isComplete,
  parseDigest,
  planIetfAppend,
  planIetfCreation,
  type UploadStatus,
} from '../../ingest/ingest.ts';
import type { Exchange } from '../exchange.ts';
import { toFileJson } from '../links.ts';
import type { HeaderLine } from '../transport.ts';
import { refuseEncoding, sentMediaType, sentName } from '../upload.ts';
import {
  admitCreation,
  createFilled,
  inUploadPlace,
  joinedHeader,
  outcomeHeaders,
  tellingOffset,
  type UploadProtocol,
  type UploadRoutesOptions,
  uploadUrl,
} from './uploads-shared.ts';

const CONTENT_TYPE = 'application/partial-upload';

/** The request speaks this protocol, well or not. */
export function isIetf(exchange: Exchange): boolean {
  if (exchange.header('tus-resumable') !== undefined) return false;
  const isNamed = ['upload-complete', 'upload-draft-interop-version'].some(
    (name) => exchange.header(name) !== undefined,
  );
  return isNamed || sentMediaType(exchange) === CONTENT_TYPE;
}

/**
 * draft-ietf-httpbis-resumable-upload-12. No `104 (Upload Resumption Supported)` is sent: the transports cannot send interim
 * responses, and the draft lets a server leave it out. So a client that wants to resume its first request, too, creates the
 * upload without content first ("careful upload creation"). A request takes over from the one before it, as section
 * "Concurrency" recommends.
 */
export function createIetf(options: UploadRoutesOptions): UploadProtocol {
  const { store, admission, maxUploadBytes: maxBytes } = options;

  async function create(exchange: Exchange): Promise<void> {
    announce(exchange);
    const headers = readHeaders(exchange);
    const isLast = isComplete(headers.uploadComplete);
    if (isLast === undefined) throw new AppError('bad_request', 'Upload-Complete is ?0 or ?1');
    const caller = await admitCreation(exchange, admission);
    const representation = {
      name: sentName(exchange),
      contentType: exchange.header('content-type'),
      reprDigest: joinedHeader(exchange, 'repr-digest'),
      uploadMetadata: joinedHeader(exchange, 'upload-metadata'),
    };
    const upload = planIetfCreation(headers, representation, { caller, maxBytes });
    const first = headers.hasBody || isLast ? readAppend(exchange, { ...headers, uploadOffset: '0' }) : undefined;
    const make = () => createFilled(store, upload, { first, signal: exchange.signal });
    const status = await (first ? inUploadPlace(options, caller, make) : make());
    if (status.file) return replyFile(exchange, status, stateHeaders(status));
    exchange.reply({ status: 201, headers: [['location', uploadUrl(exchange, status.id)], ...stateHeaders(status)] });
  }

  async function show(exchange: Exchange, id: string): Promise<void> {
    const status = await store.status(id, 'take_over');
    exchange.reply({ status: 204, headers: [...stateHeaders(status), ...outcomeHeaders(exchange, status)] });
  }

  async function append(exchange: Exchange, id: string): Promise<void> {
    announce(exchange);
    const caller = admission.identify(exchange);
    if (sentMediaType(exchange) !== CONTENT_TYPE) {
      throw new AppError('unsupported_media_type', `bytes are appended as Content-Type: ${CONTENT_TYPE}`);
    }
    const request = readAppend(exchange, readHeaders(exchange));
    const run = () => inUploadPlace(options, caller, () => store.append(id, request));
    const status = await tellingOffset(exchange, run);
    if (status.file) replyFile(exchange, status, stateHeaders(status));
    else exchange.reply({ status: 204, headers: stateHeaders(status) });
  }

  async function remove(exchange: Exchange, id: string): Promise<void> {
    await store.remove(id);
    exchange.reply({ status: 204 });
  }

  function readAppend(exchange: Exchange, headers: IetfHeaders): AppendRequest {
    refuseEncoding(exchange);
    const expected = parseDigest(joinedHeader(exchange, 'content-digest') ?? '');
    return {
      // A body that was lost on the way is none, but not what its digest says.
      source: headers.hasBody || expected.length > 0 ? exchange.body : undefined,
      expected,
      mode: 'take_over',
      plan: (upload) => planIetfAppend(upload, headers, maxBytes),
    };
  }

  /** On every answer, errors too: what is asked for here is not the file's own answer, and what the limits are. */
  function announce(exchange: Exchange): void {
    exchange.setHeader('upload-complete', '?0');
    exchange.setHeader('upload-limit', formatUploadLimit({ maxSize: maxBytes }));
  }

  function stateHeaders({ offset, length, file, expiresAt }: UploadStatus): HeaderLine[] {
    const limit = formatUploadLimit({ maxSize: maxBytes, maxAgeS: (expiresAt - Date.now()) / 1000 });
    return [
      ['upload-offset', String(offset)],
      ['upload-complete', file ? '?1' : '?0'],
      ['upload-limit', limit],
      ...(length === undefined ? [] : [['upload-length', String(length)] as const]),
    ];
  }

  return { create, show, append, remove };
}

/** The same answer as to a conventional POST of the whole file. */
function replyFile(exchange: Exchange, status: UploadStatus, headers: readonly HeaderLine[]): void {
  if (!status.file) return;
  const json = toFileJson(exchange, status.file);
  exchange.replyJson(201, json, [['location', json.url], ...headers, ...outcomeHeaders(exchange, status)]);
}

function readHeaders(exchange: Exchange): IetfHeaders {
  return {
    uploadComplete: exchange.header('upload-complete'),
    uploadOffset: exchange.header('upload-offset'),
    uploadLength: exchange.header('upload-length'),
    contentLength: exchange.contentLength,
    hasBody: exchange.hasBody,
  };
}
