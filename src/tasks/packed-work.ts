/** What a job's `input` is for the queue and the ledger: the checked input, and what each of its files is for. */
interface PackedWork {
  readonly input: unknown;
  /** In the order of the job's files. */
  readonly fields: readonly string[];
}

export function packWork(input: unknown, fields: readonly string[]): PackedWork {
  return { input, fields };
}

export function unpackWork(packed: unknown): PackedWork {
  return packed as PackedWork;
}
