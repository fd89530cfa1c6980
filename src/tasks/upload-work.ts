import { AppError } from '../core/errors.ts';
import type { UploadMetadata, UploadWork } from '../ingest/ingest.ts';
import type { NewJob, Slot } from '../queue/queue.ts';
import { placeFiles } from './file-slots.ts';
import type { TaskEntry } from './task-entry.ts';
import type { Tasks } from './tasks.ts';

/**
 * Starts a job when the last byte of a resumable upload is stored: `Upload-Metadata` names the `task` and, where it needs any,
 * its `input` as the text of a JSON object. Nobody waits for the result, so the job has no deadline but its own end.
 */
export function createUploadWork(tasks: Tasks, admit: (job: NewJob, slot: Slot) => Promise<void>): UploadWork {
  function read(metadata: UploadMetadata): { entry: TaskEntry; input: unknown } | undefined {
    const name = metadata.get('task');
    if (name === undefined) return undefined;
    const entry = tasks.find(name);
    if (!entry || entry.isInline)
      throw new AppError('invalid_input', `there is no task ${name.slice(0, 64)}; GET /v1/tasks lists them`);
    return { entry, input: entry.input.parse(parseMembers(metadata.get('input') ?? '{}'), 'json') };
  }

  return {
    check: (metadata) => void read(metadata),
    async start({ jobId, file, metadata, caller }) {
      const work = read(metadata);
      if (!work) return;
      const { task, slots } = work.entry;
      const files = placeFiles(task.name, slots, [{ field: undefined, file }]);
      const slot = tasks.reserve(work.entry);
      try {
        await admit(tasks.newJob(jobId, { ...work, caller, files }), slot);
      } finally {
        slot.release();
      }
    },
  };
}

function parseMembers(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new AppError('invalid_input', 'the metadata\'s "input" must be the text of a JSON object');
}
