import { Worker } from 'bullmq';

/** Does nothing with each job of the queue `noop`, in a process of its own, as many at once as asked for. */
const [port = '', concurrency = ''] = process.argv.slice(2);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const worker = new Worker('noop', async () => null, { connection, concurrency: Number(concurrency) });
await worker.waitUntilReady();
console.log(JSON.stringify({ ready: true }));
