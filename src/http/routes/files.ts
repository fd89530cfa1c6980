import { AppError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import type { Files, StoredFile } from '../../ingest/ingest.ts';
import type { Admission } from '../admission.ts';
import { replyBlob } from '../blob.ts';
import type { Exchange } from '../exchange.ts';
import { toFileJson } from '../links.ts';
import type { Route } from '../route.ts';
import type { Uploads } from '../upload.ts';

export interface FileRoutesOptions {
  readonly files: Files;
  readonly uploads: Uploads;
  readonly admission: Admission;
}

/** Storing files and reading them back: `/file` for hands, `/v1/files` for programs. */
export function fileRoutes({ files, uploads, admission }: FileRoutesOptions): readonly Route[] {
  async function store(exchange: Exchange): Promise<void> {
    await admission.admit(exchange);
    const json = toFileJson(exchange, await uploads.receive(exchange));
    exchange.replyJson(201, json, [['location', json.url]]);
  }

  async function find(exchange: Exchange, id: string): Promise<StoredFile> {
    admission.identify(exchange);
    const file = isId(id) ? await files.get(id) : undefined;
    if (!file) throw new AppError('not_found', `there is no file ${id.slice(0, 64)}`);
    return file;
  }

  async function send(exchange: Exchange, file: StoredFile): Promise<void> {
    await replyBlob(exchange, { ...file, disposition: 'attachment', open: (range) => files.open(file.id, range) });
  }

  async function newest(exchange: Exchange): Promise<void> {
    admission.identify(exchange);
    const file = await files.newest();
    if (!file) throw new AppError('not_found', 'no file is stored yet; POST one to /file');
    await send(exchange, file);
  }

  async function remove(exchange: Exchange, { id = '' }: Readonly<Record<string, string>>): Promise<void> {
    await find(exchange, id);
    await files.delete(id);
    exchange.reply({ status: 204, headers: [] });
  }

  return [
    { method: 'POST', path: '/file', handle: store },
    { method: 'GET', path: '/file', handle: newest },
    { method: 'POST', path: '/v1/files', handle: store },
    {
      method: 'GET',
      path: '/v1/files/{id}',
      handle: async (exchange, { id = '' }) => send(exchange, await find(exchange, id)),
    },
    { method: 'DELETE', path: '/v1/files/{id}', handle: remove },
  ];
}
