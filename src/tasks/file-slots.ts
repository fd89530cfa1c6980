import { AppError } from '../core/errors.ts';
import type { FileKind, FileSlot, FileSlots } from './task.ts';

/** A task's place for files, all its members filled in. */
export interface Slot extends Required<FileSlot> {
  readonly name: string;
  /** Media types, `*` for any subtype; undefined: all. */
  readonly mediaTypes: readonly string[] | undefined;
}

/** What the content of each kind may turn out to be; the types beside the wildcards are those of containers. */
const MEDIA_TYPES: Readonly<Record<FileKind, readonly string[] | undefined>> = {
  file: undefined,
  image: ['image/*'],
  audio: ['audio/*', 'application/ogg'],
  video: ['video/*', 'application/mxf', 'application/vnd.ms-asf'],
  pdf: ['application/pdf'],
};

export const FILE_KINDS = Object.keys(MEDIA_TYPES);

export function listSlots(slots: FileSlots = {}): readonly Slot[] {
  return Object.entries(slots).map(([name, given]) => {
    const slot: FileSlot = typeof given === 'string' ? { kind: given } : given;
    const defaults = { description: '', optional: false, many: false, mayBeDamaged: false };
    return { ...defaults, ...slot, name, mediaTypes: MEDIA_TYPES[slot.kind] };
  });
}

/** Error: `unsupported_media_type`, for content that is not of the slot's kind. */
function checkContent(task: string, slot: Slot, mediaType: string): void {
  const cannotBeTold = mediaType === 'application/octet-stream' || mediaType.startsWith('text/');
  if (fits(slot, mediaType) || (slot.mayBeDamaged && cannotBeTold)) return;
  throw refusal(task, slot, `this is ${mediaType}`);
}

/** Error: `unsupported_media_type`, for what the sender says that it sends. */
export function checkDeclared(task: string, slot: Slot, mediaType: string): void {
  if (!fits(slot, mediaType)) throw refusal(task, slot, `the request says ${mediaType.slice(0, 128)}`);
}

function fits({ mediaTypes }: Slot, mediaType: string): boolean {
  if (!mediaTypes) return true;
  return mediaTypes.some((type) =>
    type.endsWith('/*') ? mediaType.startsWith(type.slice(0, -1)) && mediaType !== 'image/svg+xml' : mediaType === type,
  );
}

function refusal(task: string, { name, mediaTypes = [] }: Slot, found: string): AppError {
  return new AppError('unsupported_media_type', `${task} works on ${mediaTypes.join(', ')} (${name}); ${found}`);
}

export interface Placed<File> {
  readonly field: string;
  readonly file: File;
}

/**
 * Says which of a task's slots each file is for: the one of its name; a file without one, or a task's only slot's, needs none.
 * Errors: `invalid_input` (no such slot, too many, one is missing), `unsupported_media_type`.
 */
export function placeFiles<File extends { readonly mediaType: string }>(
  task: string,
  slots: readonly Slot[],
  files: readonly { readonly field: string | undefined; readonly file: File }[],
): readonly Placed<File>[] {
  const placed = files.map(({ field, file }) => {
    const slot =
      slots.find(({ name }) => name === field) ?? (field === undefined || slots.length === 1 ? slots[0] : undefined);
    if (!slot)
      throw new AppError('invalid_input', `${task} takes ${namesOf(slots)}, not ${field?.slice(0, 64) ?? 'one'}`);
    checkContent(task, slot, file.mediaType);
    return { field: slot.name, file };
  });
  for (const { name, many, optional, kind } of slots) {
    const count = placed.filter(({ field }) => field === name).length;
    if (count > 1 && !many) throw new AppError('invalid_input', `${name}: ${count} files were sent, ${task} takes one`);
    if (count === 0 && !many && !optional)
      throw new AppError('invalid_input', `${name}: ${task} needs this file (${kind})`);
  }
  return placed;
}

function namesOf(slots: readonly Slot[]): string {
  return slots.length === 0 ? 'no files' : `files by the names ${slots.map(({ name }) => name).join(', ')}`;
}
