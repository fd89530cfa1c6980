import { AppError } from '../core/errors.ts';
import { assertMayUse } from '../core/owner.ts';
import type { AddressGuard } from './address-guard.ts';
import type { ByteSource } from './byte-source.ts';
import { checkDigests, limitBytes } from './checked-source.ts';
import { type BringLimits, DEFAULT_NAME, type Delivered, type Delivery, nameIn, type ReceiveAll } from './delivery.ts';
import { fetchUrl } from './fetch-url.ts';
import { type FieldsBody, readFields } from './fields-body.ts';
import type { Files } from './files.ts';
import { readJsonBody } from './json-body.ts';
import { createMembersDoor, type MembersDoor } from './members-door.ts';
import { readMultipart } from './multipart.ts';
import { paceSource } from './paced-source.ts';
import type { Ingest } from './receive.ts';
import type { StoredFile } from './stored-file.ts';

/** A form's parts, generous for people and finite for the rest. */
const FORM_LIMITS = { files: 100, fields: 1000, fieldBytes: 1024 * 1024, nameBytes: 1024 };

export interface DoorsOptions {
  readonly ingest: Ingest;
  readonly files: Files;
  /** Decides where `{"url"}` may go. */
  readonly guard: AddressGuard;
  readonly urlTimeoutMs: number;
}

/** The ways in: each ends in the same ingest, so each has its limits, digests, durability and errors. On an error nothing is kept. */
export interface Doors {
  /** The body is the file. */
  raw(delivery: Delivery): Promise<Delivered>;
  /** `multipart/form-data`, any number of files and fields. Error: `bad_multipart`. */
  form(delivery: Delivery): Promise<Delivered>;
  /** A JSON object with one of `file` (an id), `url`, `base64`, or none. Errors: `bad_request`, `bad_base64`, `blocked_address`, `not_found`. */
  json(delivery: Delivery): Promise<Delivered>;
  /** A body that is members only: JSON, or else urlencoded. Errors: `bad_request`, `too_large`. */
  fields(delivery: Delivery): Promise<Delivered & Pick<FieldsBody, 'from'>>;
  /**
   * Files that members hold or point to: an id, a URL, base64, a data: URL, `{"file"}`, `{"url"}`, `{"base64", "name"}`, or a
   * list of those. Errors: as of `json`.
   */
  readonly members: MembersDoor;
}

export function createDoors({ ingest, files, guard, urlTimeoutMs }: DoorsOptions): Doors {
  const receive = createReceiveAll(files);

  function raw({ body, contentType, name = DEFAULT_NAME, ...delivery }: Delivery): Promise<Delivered> {
    return receive(async (keep) => {
      const file = keep(await ingest.receive(body, { ...delivery, name, declaredType: contentType }));
      return { files: [{ field: undefined, file }], members: {} };
    });
  }

  function form(delivery: Delivery): Promise<Delivered> {
    const { contentType, maxBytes, signal, caller } = delivery;
    return receive(async (keep) =>
      withOuter(delivery, async (body) => {
        const { files: parts, fields } = await readMultipart(body, {
          contentType,
          signal,
          limits: { ...FORM_LIMITS, fileBytes: maxBytes },
          onFile: async ({ fileName = DEFAULT_NAME, declaredType }, source) =>
            keep(await ingest.receive(source, { name: fileName, declaredType, maxBytes, signal, caller })),
        });
        return { files: parts.map(({ field, value }) => ({ field, file: value })), members: fields };
      }),
    );
  }

  function json(delivery: Delivery): Promise<Delivered> {
    return receive(async (keep) =>
      withOuter(delivery, async (body) => {
        const { maxBytes, signal, caller, fileMembers } = delivery;
        const { file, fieldFiles, members } = await readJsonBody(body, {
          ...{ signal, fileMembers },
          onFile: async ({ declaredType, members: others }, source) =>
            keep(
              await ingest.receive(source, {
                ...{ name: () => nameIn(others()), declaredType, maxBytes, signal, caller },
              }),
            ),
        });
        const named = fieldFiles.map(({ field, value }) => ({ field, file: value }));
        switch (file.kind) {
          case 'none':
            return { files: named, members };
          case 'stored':
            return { files: [...named, { field: undefined, file: await find(file.id, caller) }], members };
          case 'url':
            return {
              files: [...named, { field: undefined, file: keep(await fetchInto(file.url, members, delivery)) }],
              members,
            };
          case 'base64':
            return { files: [...named, { field: undefined, file: file.value }], members };
          default:
            return file satisfies never;
        }
      }),
    );
  }

  async function find(id: string, caller: string | undefined): Promise<StoredFile> {
    const file = await files.get(id);
    if (!file) throw new AppError('not_found', `there is no file ${id.slice(0, 64)}`);
    assertMayUse(caller, id);
    return file;
  }

  async function fetchInto(url: string, members: Delivered['members'], delivery: BringLimits): Promise<StoredFile> {
    const { maxBytes, signal, caller } = delivery;
    // A name that is none is refused before anything is fetched.
    nameIn(members);
    const fetched = await fetchUrl(url, { guard, signal, maxBytes, timeoutMs: urlTimeoutMs });
    const { source, declaredType, declaredBytes } = fetched;
    const name = nameIn(members, fetched.name);
    try {
      return await ingest.receive(source, { name, declaredType, declaredBytes, maxBytes, signal, caller });
    } finally {
      fetched.close();
    }
  }

  const members = createMembersDoor({ ingest, receive, find, fetchInto });
  return { raw, form, json, fields, members };
}

function createReceiveAll(files: Files): ReceiveAll {
  return async (read) => {
    const stored: string[] = [];
    const undo = async () => {
      for (const id of stored.splice(0)) await files.delete(id);
    };
    const keep = (file: StoredFile) => {
      stored.push(file.id);
      return file;
    };
    try {
      return { ...(await read(keep)), undo };
    } catch (error) {
      await undo();
      throw error;
    }
  };
}

async function fields(delivery: Delivery): ReturnType<Doors['fields']> {
  const { members, from } = await withOuter(delivery, (body) => readFields(body, delivery.signal));
  return { files: [], members, from, undo: async () => undefined };
}

/** The limit of bytes, the sender's rate and the body's digests are those of the outermost bytes, whatever is inside. */
async function withOuter<T>(delivery: Delivery, read: (body: ByteSource) => Promise<T>): Promise<T> {
  const { body, maxBytes, minRate, expectedDigests } = delivery;
  const checked = checkDigests(limitBytes(body, maxBytes), expectedDigests);
  if (!minRate) return await read(checked);
  const paced = paceSource(checked, minRate);
  try {
    return await read(paced);
  } finally {
    paced.stop();
  }
}
