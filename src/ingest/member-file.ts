import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';

/** Where the file is that a member of a call stands for. */
export type MemberFile =
  | { readonly kind: 'stored'; readonly id: string }
  | { readonly kind: 'url'; readonly url: string; readonly name: string | undefined }
  /** Or a data: URL. */
  | { readonly kind: 'base64'; readonly base64: string; readonly name: string | undefined };

/** Error: `bad_request`, for what stands for no file. */
export function fileOfMember(field: string, value: unknown): MemberFile {
  if (typeof value === 'string') return fromText(value);
  const { file, url, base64, name } = membersOf(value);
  const named = typeof name === 'string' ? name : undefined;
  if (typeof file === 'string') return { kind: 'stored', id: file };
  if (typeof url === 'string') return { kind: 'url', url, name: named };
  if (typeof base64 === 'string') return { kind: 'base64', base64, name: named };
  throw new AppError('bad_request', `${field}: expected a file: its id, a URL, base64, or an object with one of them`);
}

function fromText(text: string): MemberFile {
  if (/^https?:/i.test(text)) return { kind: 'url', url: text, name: undefined };
  if (isId(text)) return { kind: 'stored', id: text };
  return { kind: 'base64', base64: text, name: undefined };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
