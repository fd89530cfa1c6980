import { AppError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import type { Delivered, Files, StoredFile } from '../../ingest/ingest.ts';
import type { ByteRange } from '../../storage/storage.ts';
import type { Admission } from '../admission.ts';
import { replyBlob } from '../blob.ts';
import { assertConditions, etagOf } from '../conditions.ts';
import { setReprDigest } from '../digest-answer.ts';
import type { Exchange } from '../exchange.ts';
import { toFileJson } from '../links.ts';
import type { Route } from '../route.ts';
import { sentMediaType, type Uploads } from '../upload.ts';
import { owned } from './owned.ts';

export interface FileRoutesOptions {
  readonly files: Files;
  readonly uploads: Uploads;
  readonly admission: Admission;
}

/** Storing files and reading them back: `/file` for hands, `/v1/files` for programs. */
export function fileRoutes({ files, uploads, admission }: FileRoutesOptions): readonly Route[] {
  /** `POST /file`: the body is the file, whatever it looks like. */
  async function storeRaw(exchange: Exchange): Promise<void> {
    const caller = await admission.admit(exchange);
    await replyStored(exchange, await uploads.receive(exchange, { caller, as: 'raw' }));
  }

  /** `POST /v1/files`: the body, the parts of a form, or what a JSON object holds or points to. */
  async function store(exchange: Exchange): Promise<void> {
    const caller = await admission.admit(exchange);
    const delivered = await uploads.receive(exchange, { caller, as: 'any' });
    if (sentMediaType(exchange) === 'multipart/form-data') replyForm(exchange, delivered);
    else await replyStored(exchange, delivered);
  }

  async function replyStored(exchange: Exchange, { files: [stored] }: Delivered): Promise<void> {
    if (!stored) throw new AppError('bad_request', 'the JSON object needs "base64" or "url"');
    const json = toFileJson(exchange, stored.file);
    await setReprDigest(exchange, { sha256: stored.file.sha256, open: () => files.open(stored.file.id) });
    exchange.replyJson(201, json, [['location', json.url]]);
  }

  function replyForm(exchange: Exchange, { files: stored, members }: Delivered): void {
    const list = stored.map(({ field, file }) => ({ field, ...toFileJson(exchange, file) }));
    exchange.replyJson(201, { files: list, fields: members });
  }

  async function find(id: string): Promise<StoredFile> {
    const file = isId(id) ? await files.get(id) : undefined;
    if (!file) throw new AppError('not_found', `there is no file ${id.slice(0, 64)}`);
    return file;
  }

  async function send(exchange: Exchange, file: StoredFile): Promise<void> {
    const open = (range?: ByteRange) => files.open(file.id, range);
    const describe = () => setReprDigest(exchange, { sha256: file.sha256, open });
    await replyBlob(exchange, { ...file, disposition: 'attachment', open, describe });
  }

  async function newest(exchange: Exchange): Promise<void> {
    const file = await files.newest(admission.identify(exchange));
    if (!file) throw new AppError('not_found', 'no file is stored yet; POST one to /file');
    await send(exchange, file);
  }

  async function remove(exchange: Exchange, { id = '' }: Readonly<Record<string, string>>): Promise<void> {
    const { sha256 } = await find(id);
    assertConditions(exchange, etagOf(sha256));
    await files.delete(id);
    exchange.reply({ status: 204, headers: [] });
  }

  const one: readonly Route[] = [
    { method: 'GET', path: '/v1/files/{id}', handle: async (exchange, { id = '' }) => send(exchange, await find(id)) },
    { method: 'DELETE', path: '/v1/files/{id}', handle: remove },
  ];
  return [
    { method: 'POST', path: '/file', handle: storeRaw },
    { method: 'GET', path: '/file', handle: newest },
    { method: 'POST', path: '/v1/files', handle: store },
    ...owned(one, { admission, find }),
  ];
}
