import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toWireError } from '../workers/workers.ts';
import type { Task } from './task.ts';

/** A task and the module that a worker loads it from. */
export interface LoadedTask {
  readonly task: Task;
  readonly moduleUrl: string;
}

const MODULE = /\.[cm]?[jt]s$/;
/** Beside tasks, but none: what they share, and their tests. */
const NO_TASK = /^[._]|\.d\.[cm]?ts$|\.test\.[cm]?[jt]s$/;

/**
 * Loads each file named, and each module directly within each folder named; what begins with `_` or `.` is passed over.
 * Error: a plain one, whose message names the file, the line and what is wrong.
 */
export async function loadTasks(paths: readonly string[]): Promise<LoadedTask[]> {
  const files = (await Promise.all(paths.map(listModules))).flat();
  const loaded: LoadedTask[] = [];
  for (const file of files) loaded.push(await loadTask(file));
  return loaded;
}

async function listModules(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new Error(`--tasks ${path}: there is no such file or folder`, { cause: error });
  });
  if (!found.isDirectory()) return [resolve(path)];
  const names = (await readdir(path)).filter((name) => MODULE.test(name) && !NO_TASK.test(name));
  if (names.length === 0) throw new Error(`--tasks ${path}: the folder has no .ts or .js file in it`);
  return names.sort().map((name) => resolve(join(path, name)));
}

async function loadTask(file: string): Promise<LoadedTask> {
  const moduleUrl = pathToFileURL(file).href;
  const { default: task }: { default?: unknown } = await importModule(file, moduleUrl);
  if (isTask(task)) return { task, moduleUrl };
  throw new Error(
    `--tasks: ${file} does not export a task as its default: write \`export default defineTask({ … })\`, or let the name of a file that is no task begin with _`,
  );
}

async function importModule(file: string, moduleUrl: string): Promise<{ default?: unknown }> {
  try {
    return await import(moduleUrl);
  } catch (error) {
    const { message } = toWireError(error, basename(file));
    throw new Error(`--tasks: ${file} cannot be loaded: ${message}${syntaxPlace(error)}`, { cause: error });
  }
}

/** Where a module that does not even parse is wrong: V8 puts it before the stack. */
function syntaxPlace(error: unknown): string {
  const [first = ''] = error instanceof SyntaxError ? (error.stack ?? '').split('\n') : [];
  const [, line] = /:(\d+)$/.exec(first) ?? [];
  return line === undefined ? '' : ` (line ${line})`;
}

function isTask(value: unknown): value is Task {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false;
  return 'run' in value ? typeof value.run === 'function' : 'plan' in value && 'part' in value && 'combine' in value;
}
