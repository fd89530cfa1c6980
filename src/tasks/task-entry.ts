import { FILE_KINDS, listSlots, type Slot } from './file-slots.ts';
import { createInputParser, type InputParser, toJsonSchema } from './input.ts';
import type { LoadedTask } from './load.ts';
import type { Task } from './task.ts';

/** Defaults for tasks that do not say; times in seconds. */
export interface TaskDefaults {
  readonly queueSize: number;
  /** Workers that tasks share. */
  readonly workers: number;
  readonly deadlineS: number;
  readonly maxDeadlineS: number;
}

/** A task ready to be called: all that it left open is filled in. */
export interface TaskEntry {
  readonly task: Task;
  readonly moduleUrl: string;
  readonly isInline: boolean;
  readonly path: string;
  readonly methods: readonly string[];
  readonly input: InputParser;
  /** JSON Schema; undefined: it does not say. */
  readonly resultSchema: Readonly<Record<string, unknown>> | undefined;
  readonly slots: readonly Slot[];
  readonly queueSize: number;
  readonly concurrency: number;
  readonly deadlineS: number;
  readonly maxDeadlineS: number;
  readonly answer: 'sync' | 'async' | 'stream';
  /** It is a generator, as far as one can tell, or says so. */
  readonly canStream: boolean;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const PATH = /^(\/(\{\w+\}|[\w.~-]+))+$/;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const MEMBERS = new Set([
  ...['name', 'description', 'path', 'methods', 'input', 'result', 'files', 'queueSize', 'concurrency', 'workers'],
  ...['queues', 'deadlineS', 'maxDeadlineS', 'priority', 'retries', 'version', 'answer', 'reply', 'runs'],
  ...['isRateLimited', 'run', 'plan', 'part', 'combine'],
]);

/** Error: a plain one, whose message says which member of the task is wrong. */
export function createEntry({ task, moduleUrl }: LoadedTask, defaults: TaskDefaults): TaskEntry {
  assertTask(task);
  const maxDeadlineS = task.maxDeadlineS ?? Math.max(defaults.maxDeadlineS, task.deadlineS ?? 0);
  const workers = task.workers ?? defaults.workers;
  const queueSize = task.queueSize ?? defaults.queueSize;
  return {
    task,
    moduleUrl,
    isInline: task.runs === 'inline',
    path: task.path ?? `/${task.name}`,
    methods: task.methods ?? ['POST'],
    input: createInputParser(task.input),
    resultSchema: task.result && toJsonSchema(task.result, 'output'),
    slots: listSlots(task.files),
    queueSize: task.queues === 'per-worker' ? queueSize * workers : queueSize,
    concurrency: task.concurrency ?? workers,
    deadlineS: Math.min(task.deadlineS ?? defaults.deadlineS, maxDeadlineS),
    maxDeadlineS,
    answer: task.answer ?? (isGenerator(task) ? 'stream' : 'sync'),
    canStream: task.answer === 'stream' || isGenerator(task),
  };
}

function assertTask(task: Task): void {
  const unknown = Object.keys(task).find((key) => !MEMBERS.has(key));
  assert(unknown === undefined, `it has a member '${unknown}', which no task has`);
  assert(NAME.test(task.name), `its name '${task.name}' is not a letter followed by letters, digits and _`);
  assert(task.path === undefined || PATH.test(task.path), `its path '${task.path}' is not like /make/{member}`);
  const { methods = ['POST'], files = {}, priority = 0 } = task;
  assert(
    methods.length > 0 && methods.every((method) => METHODS.includes(method)),
    `its methods are not of ${METHODS}`,
  );
  for (const slot of listSlots(files))
    assert(FILE_KINDS.includes(slot.kind), `its file '${slot.name}' is of no known kind: ${FILE_KINDS.join(', ')}`);
  assertCount(task, 'queueSize', 0);
  for (const name of ['concurrency', 'workers'] as const) assertCount(task, name, 1);
  assertCount(task, 'retries', 0);
  for (const name of ['deadlineS', 'maxDeadlineS'] as const)
    assert((task[name] ?? 1) > 0, `its ${name} is not a number of seconds above 0`);
  assert(Math.abs(priority) <= 10, 'its priority is not between -10 and 10');
  assertOneOf(task.queues, ['shared', 'per-worker'], 'queues');
  assertOneOf(task.answer, ['sync', 'async', 'stream'], 'answer');
  assertOneOf(task.runs, ['worker', 'inline'], 'runs');
}

function assertCount(task: Task, name: 'queueSize' | 'concurrency' | 'workers' | 'retries', min: number): void {
  const value = task[name] ?? min;
  assert(Number.isInteger(value) && value >= min, `its ${name} is not a whole number from ${min}`);
}

function assertOneOf(value: string | undefined, allowed: readonly string[], name: string): void {
  assert(value === undefined || allowed.includes(value), `its ${name} is not one of ${allowed.join(', ')}`);
}

function assert(isSo: boolean, problem: string): asserts isSo {
  if (!isSo) throw new Error(problem);
}

function isGenerator(task: Task): boolean {
  return 'run' in task && /GeneratorFunction$/.test(task.run.constructor.name);
}
