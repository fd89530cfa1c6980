import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { blobsOf, startServer, type TestServer } from './server.ts';
import { call, post } from './task-folder.ts';

const EXAMPLES = new URL('../../examples', import.meta.url).pathname;
/** The sum of i*i below 10,000,000. */
const TOTAL = 333_333_283_333_335_000_000;
const PNG = readFileSync(new URL('../fixtures/pixel.png', import.meta.url));

for (const transport of ['uws', 'node'] as const) {
  suite(`the demonstrations of the earlier systems over ${transport}`, () => {
    let server: TestServer;
    before(async () => {
      const args = ['--tasks', EXAMPLES, '--transport', transport, '--workers', '2'];
      // The names of FastTaskAPI's settings are honoured.
      server = await startServer({ args, env: { FTAPI_HOST: '127.0.0.1', FTAPI_BACKEND: 'fastapi' } });
    });
    after(() => server[Symbol.asyncDispose]());
    const get = (path: string) => call(`${server.url}${path}`);
    const send = (path: string, json: unknown) => post(`${server.url}${path}`, json);

    /** Waits until just so many run: a job that has answered may hold its worker a moment longer. */
    async function untilRunning(task: string, count: number): Promise<void> {
      const running = async () => (await get(`/v1/tasks/${task}`)).json.queue.running;
      for (const end = performance.now() + 60_000; (await running()) !== count; ) {
        assert.ok(performance.now() < end, `not ${count} of ${task} run`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }

    test('1: /hello says what it received', async () => {
      assert.deepEqual((await send('/hello', { data: 'hello' })).json, { data: 'received data=hello!' });
      assert.deepEqual((await get('/hello?data=you')).json, { data: 'received data=you!' });
      assert.equal((await send('/hello', {})).status, 422);
    });

    test('1: /multiThread runs a message job in its one worker, 504 after 5 s with the queued job discarded', async () => {
      // A dozen hosts start together with the server: the five seconds count from when this one can work.
      assert.equal((await send('/message', { data: 'zero', randomNo: 1 })).status, 200);
      const [first, second] = await Promise.all([
        send('/multiThread', { data: 'one', jobType: 'message', randomNo: 1 }),
        untilRunning('message', 1).then(() => send('/multiThread', { data: 'two', randomNo: 9 })),
      ]);
      const { id, result } = first.json.data;
      assert.equal(first.status, 200);
      assert.match(id, /^[0-9A-Z]{26}$/);
      assert.match(result.data, /^message job finished \(\d+\)$/);
      assert.deepEqual([result.errCode, result.err, result.workerName], ['', '', 'messageWorker']);
      assert.ok(result.processElapsedMs >= 2900 && result.totalElapsedMs >= result.processElapsedMs);
      assert.deepEqual([second.status, second.json.code], [504, 'deadline_exceeded']);
      assert.equal((await send('/multiThread', { data: 'x', jobType: 'other' })).status, 422);
      while ((await get('/v1/tasks/message')).json.queue.running > 0) await get('/healthz');
    });

    test('1: a full queue of the message worker is 503', async () => {
      const answers = Promise.all(Array.from({ length: 12 }, () => send('/message', { data: 'x', randomNo: 1 })));
      const all = Array.from({ length: 4 }, () => send('/message?deadline=0.5', { data: 'x' }));
      const statuses = (await Promise.all(all)).map(({ status }) => status);
      assert.ok(statuses.includes(503), statuses.join());
      const { json } = await get('/v1/jobs?task=message&limit=20');
      for (const { id } of json.jobs) await call(`${server.url}/v1/jobs/${id}`, { method: 'DELETE' });
      await answers;
    });

    test('1: /multiThread and /multiProcess draw 17 pages in the least busy of eight', async () => {
      const [thread, process] = await Promise.all([
        send('/multiThread', { data: 'x', jobType: 'pdf2image' }),
        send('/multiProcess', { data: 'x' }),
      ]);
      for (const { status, json } of [thread, process]) {
        assert.equal(status, 200);
        assert.match(json.data.result.data, /^job\[pdf2image\] finished \(\d+\), nPages=17$/);
        const image = await fetch(json.data.result.images[16].url);
        assert.deepEqual([image.status, image.headers.get('content-type')], [200, 'image/png']);
      }
      const { json: told } = await get('/v1/tasks/pdf_job');
      assert.deepEqual([told.queues, told.concurrency, told.queue_size], ['per-worker', 8, 80]);
    });

    test('1: /uploadFiles stores the files of a form, /pdf2image is there', async () => {
      const form = new FormData();
      form.set('data', 'd');
      form.set('message', 'm');
      form.append('files', new Blob(['one']), 'one.txt');
      form.append('files', new Blob(['two']), 'two.txt');
      const { json } = await call(`${server.url}/uploadFiles`, { method: 'POST', body: form });
      const { data, message, nFiles, outFiles } = json.data.result;
      assert.deepEqual([data, message, nFiles], ['d', 'm', 2]);
      const [[name, path]] = outFiles;
      assert.deepEqual([name, (await get(path)).text], ['one.txt', 'one']);
      const pdf = readFileSync(new URL('../../data/sample-1-page.pdf', import.meta.url));
      const drawn = await call(`${server.url}/pdf2image?dpi=30`, { method: 'POST', body: new Uint8Array(pdf) });
      assert.equal(drawn.json.page_count, 1);
    });

    test('2: /file stores what comes and gives back the newest', async () => {
      const stored = await call(`${server.url}/file`, { method: 'POST', body: 'some bytes' });
      assert.equal(stored.status, 201);
      assert.equal((await get('/file')).text, 'some bytes');
      assert.ok(blobsOf(server.dataDir).length > 0);
    });

    test('3: many /rotate spin at once in processes of their own until /stop, and all else is answered meanwhile', async () => {
      const wheels = Array.from({ length: 10 }, () => get('/rotate'));
      await untilRunning('rotate', 8);
      assert.equal((await get('/healthz')).status, 200);
      assert.equal((await send('/hello', { data: 'x' })).status, 200);
      assert.equal((await get('/thread')).json.result.total, TOTAL);
      assert.equal((await get('/stop')).status, 200);
      const digits = await Promise.all(wheels);
      for (const { status, text } of digits) assert.match(`${status} ${text}`, /^200 [0-9]\n$/);
      await untilRunning('rotate', 0);
      const one = get('/rotate');
      await untilRunning('rotate', 1);
      await get('/stop');
      assert.match((await one).text, /^[0-9]\n$/);
    });

    test('4: the five ways to compute have one sum, and the background one is answered at once', async () => {
      for (const [path, member] of [
        ['/generator', 'data'],
        ['/cycle', 'data'],
        ['/cycle_sleep', 'data'],
        ['/thread', 'result'],
        ['/thread_cached', 'result'],
      ] as const) {
        const { json } = await get(path);
        assert.deepEqual(json, { [member]: { total: TOTAL } }, path);
      }
      // What a job made is noted for later calls just after its answer.
      let again = await get('/thread_cached');
      while (!/hit/.test(again.headers.get('cache-status') ?? '')) again = await get('/thread_cached');
      const background = await get('/background');
      assert.deepEqual([background.status, background.json], [200, { message: 'long running task queued' }]);
      const done = await get(`${new URL(background.headers.get('location') ?? '').pathname}?wait=30`);
      assert.equal(done.json.result.total, TOTAL);
    });

    test('5: /make_fries is answered by its job, and /status and /job tell how far it is', async () => {
      const { status, json: job } = await call(`${server.url}/make_fries?fries_name=curly&amount=2`, {
        method: 'POST',
      });
      assert.equal(status, 200);
      assert.ok(['Queued', 'Processing'].includes(job.status), job.status);
      assert.equal(job.refresh_job_url, `/status?job_id=${job.id}`);
      let seen = await get(job.refresh_job_url);
      while (seen.json.progress < 0.5) seen = await get(job.refresh_job_url);
      assert.deepEqual(
        [seen.json.status, seen.json.message],
        ['Processing', 'I am working on it. Lots of work to do 2'],
      );
      while (seen.json.status === 'Processing')
        seen = await call(`${server.url}/job?job_id=${job.id}`, { method: 'POST' });
      const {
        result,
        progress,
        execution_started_at: began,
        execution_finished_at: ended,
        endpoint_protocol,
      } = seen.json;
      assert.deepEqual([seen.json.status, result, progress], ['Finished', 'Your fries curly are ready', 1]);
      assert.ok(Date.parse(ended) - Date.parse(began) > 4500 && endpoint_protocol === 'socaity');
      assert.deepEqual((await get('/status?job_id=nothing')).json.message, 'Job not found.');
    });

    async function finished(job: { id: string }) {
      await get(`/v1/jobs/${job.id}?wait=20`);
      return (await get(`/job?job_id=${job.id}`)).json;
    }

    test('5: /predict takes its input as query, JSON or form; normal endpoints answer at once', async () => {
      const { json: job } = await send('/predict', { my_param1: 'a', my_param2: 3 });
      assert.equal((await finished(job)).result, 'my_awesome_prediction a 3');
      const form = new URLSearchParams({ my_param1: 'b' });
      const { json: other } = await call(`${server.url}/predict`, { method: 'POST', body: form });
      assert.equal((await finished(other)).result, 'my_awesome_prediction b 0');
      assert.equal((await get('/my_normal_endpoint?image=i&my_param2=4')).json, 'my_awesome_prediction i 4');
      assert.equal((await send('/my_normal_endpoint', { image: 'i' })).json, 'my_awesome_prediction i 0');
    });

    test('5: /img2img takes an image by form or base64 and answers with one; what is no image is 415', async () => {
      const form = new FormData();
      form.set('upload_img', new Blob([new Uint8Array(PNG)]), 'pixel.png');
      for (const { json } of [
        await call(`${server.url}/img2img`, { method: 'POST', body: form }),
        await send('/img2img', { upload_img: PNG.toString('base64') }),
        await send('/img2img', { upload_img: `data:image/png;base64,${PNG.toString('base64')}` }),
      ]) {
        const { result } = await finished(json);
        assert.deepEqual([result.file_name, result.content_type], ['img2img.png', 'image/png']);
        assert.equal(Buffer.from(result.content, 'base64').subarray(1, 4).toString(), 'PNG');
      }
      form.set('upload_img', new Blob(['MZ not an image']), 'pixel.png');
      assert.equal((await call(`${server.url}/img2img`, { method: 'POST', body: form })).status, 415);
      const files = new FormData();
      files.set('image', new Blob([new Uint8Array(PNG)]), 'pixel.png');
      const { json: typed } = await call(`${server.url}/my_file_upload`, { method: 'POST', body: files });
      assert.deepEqual((await finished(typed)).result, { image: 'image/png', audio: null, video: null });
      const any = new FormData();
      any.set('anyfile', new Blob(['hi']), 'hi.txt');
      const { json: back } = await call(`${server.url}/my_upload`, { method: 'POST', body: any });
      assert.equal(Buffer.from((await finished(back)).result.content, 'base64').toString(), 'hi');
    });
  });
}

test('npm run examples serves them with the flags of start, and more than 60 calls a minute are 429', async () => {
  const server = await startServer({ args: ['--tasks', EXAMPLES, '--rate-limit', '60'] });
  await using _server = server;
  const answers = await Promise.all(Array.from({ length: 61 }, () => post(`${server.url}/hello`, { data: 'x' })));
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 1);
  assert.equal(refused[0]?.json.code, 'rate_limited');
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(scripts.examples, 'node src/main.ts --tasks examples');
});
