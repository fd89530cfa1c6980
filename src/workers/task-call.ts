import { AppError } from '../core/errors.ts';
import type { LazyFolder } from '../core/lazy-folder.ts';
import { describeIssues, type StandardSchema } from '../core/standard-schema.ts';
import type { SplitTask, Task, TaskContext } from '../tasks/task.ts';
import { asItemSource, type ItemPump } from './items.ts';
import type { FromWorker, Unit } from './protocol.ts';
import { encodeResult } from './result-json.ts';
import { openFiles } from './task-files.ts';

type UnitMessage<Type extends FromWorker['type']> = Omit<Extract<FromWorker, { type: Type }>, 'unitId'>;

/** What the thread lends to the call of one unit. */
export interface CallTools {
  readonly context: Pick<TaskContext, 'signal' | 'log' | 'sharedDir' | 'file' | 'progress' | 'raster'>;
  readonly scratch: LazyFolder;
  readonly items: ItemPump;
  readonly send: (message: UnitMessage<'stream'> | UnitMessage<'items'>) => void;
}

/** Imports the unit's task (Node keeps the module), calls the function that the unit names, and gives its result as JSON. */
export async function callTask(unit: Unit, tools: CallTools): Promise<string> {
  const task = await loadTask(unit);
  const { jobId, attempt, createdAt } = unit;
  const files = openFiles(task.files ?? {}, unit.files);
  const context: TaskContext = {
    ...{ ...tools.context, jobId, attempt, createdAt, files },
    get scratchDir() {
      return tools.scratch.path;
    },
  };
  if (unit.kind !== 'run' || !('run' in task)) return encodeResult(await callSplit(unit, task, context), unit.task);
  // Of the two kinds of task that have one, only the other gets here.
  const returned: unknown = await (task.run as (input: unknown, context: TaskContext) => unknown)(unit.input, context);
  const source = asItemSource(returned);
  if (!source) return encodeResult(await checkResult(returned, task), unit.task);
  tools.send({ type: 'stream' });
  const count = await tools.items.run(source, {
    signal: context.signal,
    encode: (item) => encodeResult(item, unit.task),
    send: (items) => tools.send({ type: 'items', items }),
  });
  return encodeResult({ streamed: count }, unit.task);
}

async function callSplit(unit: Unit, task: Task, context: TaskContext): Promise<unknown> {
  const { plan, part } = task as Partial<SplitTask>;
  if (unit.kind === 'plan' && plan) return await plan(unit.input, context);
  if (unit.kind === 'part' && part) return await part(unit.input, unit.part, context);
  throw new AppError('internal', `task ${unit.task} has no function '${unit.kind}'`);
}

/** Error: `internal`, for a result that is not what the task promised. */
export async function checkResult(value: unknown, task: { name: string; result?: StandardSchema }): Promise<unknown> {
  if (!task.result) return value;
  const checked = await task.result['~standard'].validate(value);
  if (!checked.issues) return checked.value;
  throw new AppError(
    'internal',
    `task ${task.name} failed: its result does not fit: ${describeIssues(checked.issues)}`,
  );
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
