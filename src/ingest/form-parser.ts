import type { Readable } from 'node:stream';
import busboy, { type FieldInfo, type FileInfo } from 'busboy';
import { AppError } from '../core/errors.ts';
import { createFormGate, malformed } from './form-gate.ts';

/** Everything a form may have; each is finite, each is counted here rather than in busboy, which only cuts. */
export interface FormLimits {
  readonly files: number;
  readonly fields: number;
  /** Values of all fields together. */
  readonly fieldBytes: number;
  /** Each file. */
  readonly fileBytes: number;
  /** Each field's or file's name. */
  readonly nameBytes: number;
}

export interface FilePart {
  readonly fieldName: string;
  /** As the sender spells it, without folders, else uncleaned; undefined where it gave none. */
  readonly fileName: string | undefined;
  readonly declaredType: string;
}

/** A file part whose bytes come in while the parser is fed. */
export interface OpenFile {
  readonly part: FilePart;
  readonly stream: Readable;
  isEnded(): boolean;
}

export type FormFields = Record<string, string | string[]>;

export interface FormParser {
  /** Parses a chunk, on the spot. All files taken before must have been read to where they are. Throws what is wrong. */
  push(chunk: Uint8Array): void;
  /** The next file that has begun. */
  takeFile(): OpenFile | undefined;
  /** Throws unless the form is well so far. */
  check(): void;
  /** The fields, once everything has been parsed and every file read. */
  finish(): Promise<FormFields>;
  /** Drops whatever is open; nothing is emitted any more. */
  close(): void;
}

/** Only 7bit, 8bit and binary are the bytes themselves; RFC 7578 section 4.7 deprecates the others. */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);

/** busboy's own, a part, and not to be set; of lines it takes 2,000. */
const MAX_HEADER_BYTES = 16_384;

/** busboy behind a gate: it cuts silently where a limit is passed, the gate and the collector tell. */
export function createFormParser(boundary: string, limits: FormLimits): FormParser {
  const gate = createFormGate(boundary, limits.files + limits.fields);
  const collector = createCollector(limits);
  const parser = busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    defParamCharset: 'utf8',
    // One more than allowed each: busboy cuts without a word at the limit itself.
    limits: { fieldSize: limits.fieldBytes + 1, fileSize: limits.fileBytes + 1 },
  });
  parser.on('error', (error) => collector.fail(malformed(lowerFirst(error), error)));
  parser.on('field', collector.addField);
  parser.on('file', collector.addFile);
  const closed = new Promise<void>((resolve) => void parser.on('close', resolve));
  let finished: Promise<FormFields> | undefined;

  const finish = async (): Promise<FormFields> => {
    if (!gate.isClosed()) throw malformed('it ends before its last boundary');
    if (gate.parts() !== collector.seen()) throw unusablePart();
    parser.end();
    // 'finish' may follow 'error', and either may be missing; 'close' comes after both.
    await closed;
    collector.check();
    return collector.fields;
  };

  return {
    takeFile: collector.takeFile,
    check: collector.check,
    push(chunk) {
      if (parser.writableLength > 0) throw new Error('a form is fed while a file in it waits to be read');
      const data = gate.push(chunk);
      if (data.length > 0) parser.write(data);
      collector.check();
      // A field is told at its end, so one part may be unseen; a second one has vanished.
      const unseen = gate.parts() - collector.seen();
      if (unseen > 1) throw unusablePart();
      if (unseen === 1 && gate.partBytes() > limits.fieldBytes + MAX_HEADER_BYTES) throw fieldsTooLarge(limits);
    },
    finish() {
      finished ??= finish();
      return finished;
    },
    close: () => void parser.destroy(),
  };
}

function fieldsTooLarge({ fieldBytes }: FormLimits): AppError {
  return tooLarge(`the fields of the form are larger than ${fieldBytes} bytes together`);
}

function tooLarge(detail: string): AppError {
  return new AppError('too_large', detail);
}

function unusablePart(): AppError {
  return malformed('a part has no usable Content-Disposition, which must be form-data with a name');
}

/** Takes what busboy emits, in its own callbacks, where nothing may be thrown: the first failure is kept for `check`. */
function createCollector(limits: FormLimits) {
  const files: OpenFile[] = [];
  const fields: FormFields = Object.create(null);
  let failure: AppError | undefined;
  let [fileCount, fieldCount, fieldBytes] = [0, 0, 0];

  const fail = (error: AppError): void => {
    failure ??= error;
  };

  const checkName = (name = ''): void => {
    if (Buffer.byteLength(name) > limits.nameBytes) fail(malformed(`a name is longer than ${limits.nameBytes} bytes`));
  };

  const checkPart = (name: string | undefined, encoding: string): void => {
    if (!name) fail(malformed('a part has no name'));
    checkName(name);
    if (!PLAIN_ENCODINGS.has(encoding)) fail(malformed(`Content-Transfer-Encoding "${encoding}" is not supported`));
  };

  return {
    fields,
    fail,
    seen: () => fileCount + fieldCount,
    takeFile: () => files.shift(),
    check() {
      if (failure) throw failure;
    },
    addField(name: string, value: string | undefined, info: FieldInfo): void {
      checkPart(name, info.encoding);
      if (++fieldCount > limits.fields) fail(malformed(`it has more than ${limits.fields} fields`));
      if (value === undefined) fail(malformed(`the charset of field "${name}" is unknown`));
      fieldBytes += Buffer.byteLength(value ?? '');
      if (info.valueTruncated || fieldBytes > limits.fieldBytes) fail(fieldsTooLarge(limits));
      if (!failure) append(fields, unquote(name), value ?? '');
    },
    addFile(fieldName: string, stream: Readable, { filename, encoding, mimeType }: FileInfo): void {
      let isEnded = false;
      stream.on('end', () => {
        isEnded = true;
      });
      stream.on('error', (error) => fail(malformed(lowerFirst(error), error)));
      stream.on('limit', () => fail(tooLarge(`a file is larger than the limit of ${limits.fileBytes} bytes`)));
      checkPart(fieldName, encoding);
      checkName(filename);
      if (++fileCount > limits.files) fail(malformed(`it has more than ${limits.files} files`));
      const fileName = filename ? unquote(filename) : undefined;
      const part = { fieldName: unquote(fieldName ?? ''), fileName, declaredType: mimeType };
      files.push({ part, stream, isEnded: () => isEnded });
    },
  };
}

/** Browsers and curl write these three so between the quotes of a name (HTML, section 4.10.21.8, "escape a name"). */
function unquote(name: string): string {
  return name.replace(/%(?:22|0D|0A)/gi, decodeURIComponent);
}

/** Values of one name are collected in order; the record has no prototype, so that `__proto__` is a name like any other. */
function append(fields: FormFields, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (typeof before === 'string') fields[name] = [before, value];
  else before.push(value);
}

function lowerFirst(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toLowerCase() + text.slice(1);
}
