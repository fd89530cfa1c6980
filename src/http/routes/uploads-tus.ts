import { AppError } from '../../core/errors.ts';
import { assertOwn } from '../../core/owner.ts';
import {
  type AppendRequest,
  parseDigest,
  parseUploadChecksum,
  planTusAppend,
  planTusCreation,
  TUS_VERSION,
  type UploadStatus,
} from '../../ingest/ingest.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderLine } from '../transport.ts';
import { refuseEncoding, sentMediaType } from '../upload.ts';
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

const CONTENT_TYPE = 'application/offset+octet-stream';

/**
 * tus 1.0.0. One PATCH at a time per upload: a second one hears 423, unless the first has waited for bytes for seconds; then it
 * is stopped, keeping what came, as its client has surely reconnected (tusd asks the holder of its lock to let go, too).
 */
export function createTus(options: UploadRoutesOptions): UploadProtocol {
  const { store, admission, maxUploadBytes: maxBytes } = options;

  async function create(exchange: Exchange): Promise<void> {
    const caller = await admitCreation(exchange, admission);
    const upload = planTusCreation(
      {
        uploadLength: exchange.header('upload-length'),
        uploadDeferLength: exchange.header('upload-defer-length'),
        uploadConcat: exchange.header('upload-concat'),
        uploadMetadata: joinedHeader(exchange, 'upload-metadata'),
        reprDigest: joinedHeader(exchange, 'repr-digest'),
      },
      { caller, maxBytes },
    );
    const parts = Array.isArray(upload.concat) ? upload.concat : [];
    for (const part of parts) await assertOwn(caller, part, store.assertKnown.bind(store));
    const first = exchange.hasBody ? readAppend(exchange, '0') : undefined;
    const make = () => createFilled(store, upload, { first, signal: exchange.signal });
    const isWork = first !== undefined || parts.length > 0;
    const status = await tellingOffset(exchange, () => (isWork ? inUploadPlace(options, caller, make) : make()));
    const headers: HeaderLine[] = [['location', uploadUrl(exchange, status.id)], ...stateHeaders(exchange, status)];
    exchange.reply({ status: 201, headers });
  }

  async function show(exchange: Exchange, id: string): Promise<void> {
    const status = await store.status(id, 'look');
    exchange.reply({ status: 200, headers: [...stateHeaders(exchange, status), ...descriptionHeaders(status)] });
  }

  async function append(exchange: Exchange, id: string): Promise<void> {
    const caller = admission.identify(exchange);
    const request = readAppend(exchange, exchange.header('upload-offset'));
    const run = () => inUploadPlace(options, caller, () => store.append(id, request));
    exchange.reply({ status: 204, headers: stateHeaders(exchange, await tellingOffset(exchange, run)) });
  }

  async function remove(exchange: Exchange, id: string): Promise<void> {
    await store.remove(id);
    exchange.reply({ status: 204 });
  }

  function readAppend(exchange: Exchange, uploadOffset: string | undefined): AppendRequest {
    if (sentMediaType(exchange) !== CONTENT_TYPE) {
      throw new AppError('unsupported_media_type', `bytes are sent as Content-Type: ${CONTENT_TYPE}`);
    }
    refuseEncoding(exchange);
    const checksum = exchange.header('upload-checksum');
    const digests = parseDigest(joinedHeader(exchange, 'content-digest') ?? '');
    const isPatch = exchange.header('upload-offset') !== undefined;
    const headers = {
      uploadOffset,
      uploadLength: isPatch ? exchange.header('upload-length') : undefined,
      contentLength: exchange.contentLength,
    };
    const expected = checksum === undefined ? digests : [parseUploadChecksum(checksum), ...digests];
    return {
      // A body that was lost on the way is none, but not what its digest says.
      source: exchange.hasBody || expected.length > 0 ? exchange.body : undefined,
      expected,
      mode: 'refuse',
      plan: (upload) => planTusAppend(upload, headers, maxBytes),
    };
  }

  return { create, show, append, remove };
}

/** Every request but OPTIONS names the version, and so does every answer. Error: `precondition_failed` (412). */
export function checkTusVersion(exchange: Exchange): void {
  exchange.setHeader('tus-resumable', TUS_VERSION);
  const version = exchange.header('tus-resumable');
  if (version === TUS_VERSION) return;
  exchange.setHeader('tus-version', TUS_VERSION);
  throw new AppError('precondition_failed', `send Tus-Resumable: ${TUS_VERSION}, the version that is spoken here`);
}

function stateHeaders(exchange: Exchange, upload: UploadStatus): HeaderLine[] {
  const headers: HeaderLine[] = [['upload-offset', String(upload.offset)], ...outcomeHeaders(exchange, upload)];
  if (!upload.file) headers.push(['upload-expires', new Date(upload.expiresAt).toUTCString()]);
  return headers;
}

function descriptionHeaders({ length, metadata, concat }: UploadStatus): HeaderLine[] {
  const headers: HeaderLine[] = [];
  headers.push(length === undefined ? ['upload-defer-length', '1'] : ['upload-length', String(length)]);
  if (metadata !== '') headers.push(['upload-metadata', metadata]);
  if (concat === 'partial') headers.push(['upload-concat', 'partial']);
  else if (concat) headers.push(['upload-concat', `final;${concat.map((id) => `/v1/uploads/${id}`).join(' ')}`]);
  return headers;
}
