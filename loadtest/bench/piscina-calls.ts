import { Piscina } from 'piscina';
import { runCalls } from './calls.ts';

const [callers = '', seconds = '', threads = ''] = process.argv.slice(2);
const pool = new Piscina({
  filename: new URL('../peers/piscina-noop.ts', import.meta.url).href,
  minThreads: Number(threads),
  maxThreads: Number(threads),
});
const open = async () => async () => {
  await pool.run({});
  return 'ok';
};
console.log(JSON.stringify(await runCalls({ callers: Number(callers), seconds: Number(seconds), open })));
await pool.destroy();
