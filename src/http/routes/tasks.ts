import { AppError } from '../../core/errors.ts';
import type { TaskEntry } from '../../tasks/tasks.ts';
import type { Exchange } from '../exchange.ts';
import type { Params, Route } from '../route.ts';
import { createTaskCall, type TaskCallOptions } from '../task-call.ts';

/** Calling the tasks, each by its short path, too, and reading what there is. */
export function taskRoutes(options: TaskCallOptions): readonly Route[] {
  const { tasks, queue, admission } = options;
  const call = createTaskCall(options);

  function find({ task = '' }: Params): TaskEntry {
    const entry = tasks.find(task);
    if (entry) return entry;
    throw new AppError('not_found', `there is no task ${task.slice(0, 64)}; GET /v1/tasks lists them`);
  }

  function describe({ task, input, queueSize, concurrency, deadlineS }: TaskEntry): unknown {
    const { waiting, running, free } = queue.depth(task.name);
    return {
      name: task.name,
      description: task.description ?? null,
      accepts: task.accepts ?? null,
      input_schema: input.jsonSchema,
      queue_size: queueSize,
      concurrency,
      deadline: deadlineS,
      queue: { waiting, running, free },
    };
  }

  function list(exchange: Exchange): void {
    admission.identify(exchange);
    exchange.replyJson(200, { tasks: tasks.list().map(describe) });
  }

  function show(exchange: Exchange, params: Params): void {
    admission.identify(exchange);
    exchange.replyJson(200, describe(find(params)));
  }

  const shortPaths = tasks.list().map((entry): Route => {
    return { method: 'POST', path: `/${entry.task.name}`, handle: (exchange) => call(exchange, entry) };
  });
  return [
    ...shortPaths,
    { method: 'POST', path: '/v1/tasks/{task}', handle: (exchange, params) => call(exchange, find(params)) },
    { method: 'GET', path: '/v1/tasks', handle: list },
    { method: 'GET', path: '/v1/tasks/{task}', handle: show },
  ];
}
