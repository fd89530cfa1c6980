import type { Lab } from '../harness/lab.ts';

/** A server that takes uploads, to be measured beside the others. */
export interface Peer {
  readonly name: string;
  /** What its 2xx promises: bytes that survive a power loss, or a copy in the page cache. */
  readonly isDurable: boolean;
  /** It knows the sha256 of what it stored. */
  readonly hasDigest: boolean;
  /** Starts it, or says why it cannot be measured here. */
  start(lab: Lab): Promise<Running | string>;
}

/** A peer at work. Each upload is one request, so that all are asked for the same. */
export interface Running {
  readonly pid: number;
  /** Whose memory counts: the process's own, or that of its children too, where they take part in an upload. */
  readonly memoryOf: 'process' | 'tree';
  readonly port: number;
  /** Request line and headers of one upload; `{n}` becomes a number of its own, `{bytes}` the length. */
  readonly head: readonly string[];
  /** Where the files lie. */
  readonly folder: string;
  /** Removes what was stored; `ids` are those of the answers, where there are any. */
  clean(ids: readonly string[]): Promise<void>;
}
