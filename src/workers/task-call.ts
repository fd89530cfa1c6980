import { AppError } from '../core/errors.ts';
import type { Task, TaskContext } from '../tasks/task.ts';
import type { Unit } from './protocol.ts';

/** Imports the unit's task (Node keeps the module) and calls the function that the unit names. */
export async function callTask(unit: Unit, context: TaskContext): Promise<unknown> {
  const task = await loadTask(unit);
  if (unit.kind === 'run' && 'run' in task) return await task.run(unit.input, context);
  if (unit.kind === 'plan' && 'plan' in task) return await task.plan(unit.input, context);
  if (unit.kind === 'part' && 'part' in task) return await task.part(unit.input, unit.part, context);
  throw new AppError('internal', `task ${unit.task} has no function '${unit.kind}'`);
}

async function loadTask({ task, moduleUrl }: Unit): Promise<Task> {
  const { default: found }: { default?: unknown } = await import(moduleUrl);
  if (isTask(found) && found.name === task) return found;
  throw new AppError('internal', `the module of task ${task} does not export it as its default: use defineTask`);
}

function isTask(value: unknown): value is Task {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false;
  return ['run', 'plan', 'part'].some((key) => typeof Reflect.get(value, key) === 'function');
}
