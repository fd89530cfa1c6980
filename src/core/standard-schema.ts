/** What every schema library offers (https://standardschema.dev, version 1): enough to check input, and to describe it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Exists for the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Of libraries that describe themselves (Standard JSON Schema). */
    readonly jsonSchema?:
      | Readonly<Record<'input' | 'output', (options: { readonly target: string }) => Record<string, unknown>>>
      | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of a value that it accepts. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output'];

/** `pages.0: expected a number; dpi: too small`. */
export function describeIssues(issues: readonly StandardIssue[]): string {
  const describe = ({ path = [], message }: StandardIssue) => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
    return keys.length > 0 ? `${keys.join('.')}: ${message}` : message;
  };
  return issues.map(describe).join('; ');
}
