import { decodeBase64 } from './base64.ts';
import { sourceOf } from './byte-source.ts';
import { openDataText } from './data-url.ts';
import { type BringLimits, type Delivered, type DeliveredFile, nameIn, type ReceiveAll } from './delivery.ts';
import { fileOfMember, type MemberFile } from './member-file.ts';
import type { Ingest } from './receive.ts';
import type { StoredFile } from './stored-file.ts';

type Members = Readonly<Record<string, unknown>>;

export interface MembersDoorOptions {
  readonly ingest: Ingest;
  readonly receive: ReceiveAll;
  readonly find: (id: string, caller: string | undefined) => Promise<StoredFile>;
  /** `members` may name the file. */
  readonly fetchInto: (url: string, members: Members, limits: BringLimits) => Promise<StoredFile>;
}

export type MembersDoor = (members: readonly (readonly [string, unknown])[], limits: BringLimits) => Promise<Delivered>;

/** The way in for files that members of a call hold or point to. */
export function createMembersDoor({ ingest, receive, find, fetchInto }: MembersDoorOptions): MembersDoor {
  async function bring(member: Exclude<MemberFile, { kind: 'stored' }>, limits: BringLimits): Promise<StoredFile> {
    const named = member.name === undefined ? {} : { name: member.name };
    if (member.kind === 'url') return await fetchInto(member.url, named, limits);
    const { text, declaredType } = await openDataText(sourceOf(member.base64), limits.signal);
    return await ingest.receive(decodeBase64(text), { name: nameIn(named), declaredType, ...limits });
  }

  return (given, limits) =>
    receive(async (keep) => {
      const files: DeliveredFile[] = [];
      // null stands for a file that is not given, as elsewhere in JSON.
      for (const [field, value] of given.filter(([, value]) => value !== null)) {
        for (const one of [value].flat()) {
          const member = fileOfMember(field, one);
          const file =
            member.kind === 'stored' ? await find(member.id, limits.caller) : keep(await bring(member, limits));
          files.push({ field, file });
        }
      }
      return { files, members: {} };
    });
}
