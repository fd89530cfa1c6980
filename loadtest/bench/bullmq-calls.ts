import { Queue, QueueEvents } from 'bullmq';
import { runCalls } from './calls.ts';

/** `wait`: until the job has ended; `add`: until Redis has it. */
const [port = '', callers = '', seconds = '', mode = ''] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue('noop', { connection, defaultJobOptions: { removeOnComplete: 1000, removeOnFail: 1000 } });
const events = new QueueEvents('noop', { connection });
await events.waitUntilReady();
events.setMaxListeners(0);
const open = async () => async () => {
  const job = await queue.add('noop', {});
  if (mode === 'wait') await job.waitUntilFinished(events, 10_000);
  return 'ok';
};
console.log(JSON.stringify(await runCalls({ callers: Number(callers), seconds: Number(seconds), open })));
process.exit();
