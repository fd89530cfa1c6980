import type { FileSource } from './source.ts';

/** What one task takes and gives; `penstock types URL` writes these for a server's own tasks. */
export interface TaskTypes {
  readonly input: object;
  readonly result: unknown;
  /** false: the task works on no file. */
  readonly file: boolean;
}

/** Tasks by name. */
export type TaskMap<Tasks> = { readonly [Name in keyof Tasks]: TaskTypes };

export interface Pdf2ImageInput {
  /** Dots per inch, 1 to 2400; default 200. */
  readonly dpi?: number;
  /** Pixels, instead of dpi. */
  readonly width?: number;
  readonly height?: number;
  /** `1-3,7`, `5-`; default all. */
  readonly pages?: string;
  readonly format?: 'png' | 'jpeg' | 'webp';
  /** 1 to 100, of jpeg and webp. */
  readonly quality?: number;
  /** Of png. */
  readonly level?: 'fast' | 'small';
  readonly grayscale?: boolean;
  readonly transparent?: boolean;
  readonly password?: string;
  /** Also extract each page's text. */
  readonly text?: boolean;
}

export interface Pdf2ImageResult {
  readonly page_count: number;
  readonly pages: readonly {
    readonly page: number;
    readonly width: number;
    readonly height: number;
    readonly bytes: number;
    readonly media_type: string;
    readonly url: string;
    readonly text?: string;
  }[];
}

/** The task that every server has; all others are called untyped unless their types are given. */
export interface KnownTasks {
  readonly pdf2image: { readonly input: Pdf2ImageInput; readonly result: Pdf2ImageResult; readonly file: true };
  readonly [task: string]: TaskTypes;
}

type InputArguments<Input, Options> =
  Record<string, never> extends Input ? [input?: Input, options?: Options] : [input: Input, options?: Options];

/** A task that works on a file takes it first, or names a stored one in its input: `{ file: id }`, `{ url }`, `{ base64 }`. */
export type CallArguments<Task extends TaskTypes, Options> = Task['file'] extends false
  ? InputArguments<Task['input'], Options>
  : [file: FileSource, ...rest: InputArguments<Task['input'], Options>] | [input: object, options?: Options];
