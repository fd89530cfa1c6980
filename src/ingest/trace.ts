/** What the reading coroutine is about to wait for; `done` when it has ended. */
export type ReaderStep = 'next' | 'put' | 'done';
/** The same for the writing coroutine; `done` after each write, as there are many. */
export type WriterStep = 'get' | 'write' | 'done';

export interface UploadTrace {
  reader(step: ReaderStep): void;
  writer(step: WriterStep): void;
  /** The upload's last line: `Done`, or the code of its error. */
  end(outcome: string): void;
}

/** Starts the trace of one more upload. */
export type Trace = () => UploadTrace;

const WRITER_COLUMN = 48;

/**
 * Shows whose turn it is: the reader's steps on the left, the writer's on the right, a new line at each change. A line
 * ends where its coroutine began to wait, so a slow network shows as `next()` at the end of every line on the left, a slow
 * disk as `put()` there and `write()` on the right.
 */
export function createTrace(print: (text: string) => void): Trace {
  let count = 0;
  let turn = '';

  function step(number: number, column: number, text: string): void {
    const own = `${number}/${column}`;
    const start = turn === own ? ' ' : `${turn === '' ? '' : '\n'}${`${number}:`.padEnd(column)} `;
    turn = own;
    print(start + text);
  }

  return () => {
    const number = ++count;
    step(number, 0, 'Starting');
    return {
      reader: (name) => step(number, 0, `-> ${name}()`),
      writer: (name) => step(number, WRITER_COLUMN, `-> ${name}()`),
      end(outcome) {
        turn = '';
        print(`\n${number}: ${outcome}\n`);
      },
    };
  };
}
