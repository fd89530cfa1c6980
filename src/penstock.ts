/** What `import … from 'penstock'` gives to task files: nothing of the server is loaded by it. */
export { z } from 'zod';
export type { JobJson } from './api.ts';
export { AppError, ERROR_CODES, type ErrorCode } from './core/errors.ts';
export type { OutputOf, StandardSchema } from './core/standard-schema.ts';
export {
  defineTask,
  type FileKind,
  type FileSlot,
  type FileSlots,
  type InlineContext,
  type InlineJobs,
  type InlineTask,
  type ResultFile,
  type SingleTask,
  type SplitTask,
  type Task,
  type TaskContext,
  type TaskFile,
} from './tasks/task.ts';
