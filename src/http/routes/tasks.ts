import { AppError } from '../../core/errors.ts';
import type { TaskEntry } from '../../tasks/tasks.ts';
import type { Exchange } from '../exchange.ts';
import { createInlineCall, type InlineCallOptions } from '../inline-call.ts';
import type { Params, Route } from '../route.ts';
import { createTaskCall, type TaskCallOptions } from '../task-call.ts';

export interface TaskRoutesOptions extends TaskCallOptions, InlineCallOptions {}

/** Calling the tasks, each by its short path, too, and reading what there is. */
export function taskRoutes(options: TaskRoutesOptions): readonly Route[] {
  const { tasks, queue, admission } = options;
  const callJob = createTaskCall(options);
  const callInline = createInlineCall(options);

  function call(exchange: Exchange, entry: TaskEntry, params: Params = {}): Promise<void> {
    return entry.isInline ? callInline(exchange, entry, params) : callJob(exchange, entry, params);
  }

  function find({ task = '' }: Params): TaskEntry {
    const entry = tasks.find(task);
    if (entry) return entry;
    throw new AppError('not_found', `there is no task ${task.slice(0, 64)}; GET /v1/tasks lists them`);
  }

  function describe(entry: TaskEntry): unknown {
    return { ...describeTask(entry), queue: entry.isInline ? null : describeQueue(entry) };
  }

  function describeQueue({ task }: TaskEntry) {
    const { waiting, running, free } = queue.depth(task.name);
    return { waiting, running, free };
  }

  function list(exchange: Exchange): void {
    admission.identify(exchange);
    exchange.replyJson(200, { tasks: tasks.list().map(describe) });
  }

  function show(exchange: Exchange, params: Params): void {
    admission.identify(exchange);
    exchange.replyJson(200, describe(find(params)));
  }

  const shortPaths = tasks.list().flatMap((entry) =>
    entry.methods.map((method): Route => {
      return { method, path: entry.path, handle: (exchange, params) => call(exchange, entry, params) };
    }),
  );
  return [
    ...shortPaths,
    { method: 'POST', path: '/v1/tasks/{task}', handle: (exchange, params) => call(exchange, find(params)) },
    { method: 'GET', path: '/v1/tasks', handle: list },
    { method: 'GET', path: '/v1/tasks/{task}', handle: show },
  ];
}

/** All that a client, a page of documentation or a person needs to call it. */
function describeTask(entry: TaskEntry) {
  const { task, slots } = entry;
  return {
    name: task.name,
    description: task.description ?? null,
    path: entry.path,
    methods: entry.methods,
    runs: entry.isInline ? 'inline' : 'worker',
    answer: entry.answer,
    can_stream: entry.canStream,
    input_schema: entry.input.jsonSchema,
    result_schema: entry.resultSchema ?? null,
    files: slots.map(({ name, kind, description, mediaTypes, optional, many }) => ({
      ...{ name, kind, description, media_types: mediaTypes ?? null, optional, many },
    })),
    accepts: slots[0]?.mediaTypes ?? null,
    queue_size: entry.queueSize,
    concurrency: entry.concurrency,
    queues: task.queues ?? 'shared',
    deadline: entry.deadlineS,
    max_deadline: entry.maxDeadlineS,
    priority: task.priority ?? 0,
    retries: task.retries ?? 0,
    is_cached: task.version !== undefined,
  };
}
