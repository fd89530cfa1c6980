import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { type CuttingProxy, randomFrom, startCuttingProxy } from './cutting-proxy.ts';
import { filesBelow, startServer, type TestServer } from './server.ts';
import { downloadUploaded, sha256, uploadByTusJs, uploadByUppy } from './tus-clients.ts';

const FILES = 100;
const AT_ONCE = 8;
const KIB = 1024;
const PYTHON = '/usr/bin/python3';
const hasTuspy = spawnSync(PYTHON, ['-c', 'import tusclient.client']).status === 0;

/** Sizes around every boundary, empty included. */
function makeFiles(random: () => number): Buffer[] {
  const sizes = [0, 1, 64 * KIB, 1024 * KIB, 1024 * KIB + 1];
  return Array.from({ length: FILES }, (_, index) => randomBytes(sizes[index] ?? Math.floor(random() * 1500 * KIB)));
}

/** Cuts each connection somewhere in its first 600 KiB. */
async function startProxy(server: TestServer, random: () => number): Promise<CuttingProxy> {
  return startCuttingProxy({ targetPort: server.port, nextCut: () => 1 + Math.floor(random() * 600 * KIB) });
}

async function inTurns<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...items.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await act(next[1]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

async function assertAllStored(server: TestServer, urls: readonly string[], files: readonly Buffer[]): Promise<void> {
  const stored = await inTurns(urls, async (url) => sha256(await downloadUploaded(server.url, url)));
  assert.deepEqual(stored, files.map(sha256));
}

for (const transport of ['uws', 'node'] as const) {
  suite(`tus clients over ${transport}`, () => {
    const start = (...args: string[]) => startServer({ args: ['--transport', transport, ...args] });
    const seed = Date.now() % 100_000;

    test(`tus-js-client: 100 files through connections that are cut (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      await using server = await start();
      await using proxy = await startProxy(server, random);
      const files = makeFiles(random);
      const endpoint = `http://127.0.0.1:${proxy.port}/v1/uploads`;
      const urls = await inTurns(files, (bytes) => uploadByTusJs(endpoint, bytes));
      await assertAllStored(server, urls, files);
      assert.ok(proxy.cuts() > FILES / 2, `${proxy.cuts()} cuts`);
      assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
    });

    test(`Uppy: 100 files through connections that are cut (seed ${seed})`, async () => {
      const random = randomFrom(seed + 1);
      await using server = await start();
      await using proxy = await startProxy(server, random);
      const files = makeFiles(random).map((bytes) => (bytes.length === 0 ? randomBytes(1) : bytes));
      const urls = await uploadByUppy(`http://127.0.0.1:${proxy.port}/v1/uploads`, files, AT_ONCE);
      await assertAllStored(server, urls, files);
      assert.ok(proxy.cuts() > FILES / 2, `${proxy.cuts()} cuts`);
    });

    const skip = !hasTuspy && process.env.REQUIRE_ALL !== '1' ? 'needs the Debian package python3-tuspy' : false;
    test(`tuspy: 100 files through connections that are cut (seed ${seed})`, { skip }, async () => {
      const random = randomFrom(seed + 2);
      await using server = await start();
      await using proxy = await startProxy(server, random);
      const files = makeFiles(random).map((bytes) => (bytes.length === 0 ? randomBytes(1) : bytes));
      const folder = mkdtempSync(join(tmpdir(), 'penstock-tuspy-'));
      try {
        const paths = files.map((bytes, index) => {
          const path = join(folder, `${index}`);
          writeFileSync(path, bytes);
          return path;
        });
        const halves = [paths.slice(0, FILES / 2), paths.slice(FILES / 2)];
        const endpoint = `http://127.0.0.1:${proxy.port}/v1/uploads`;
        const outputs = await Promise.all([
          runTuspy(endpoint, `${1024 * KIB}`, 'plain', ...(halves[0] ?? [])),
          runTuspy(endpoint, `${80 * KIB}`, 'checksum', ...(halves[1] ?? [])),
        ]);
        await assertAllStored(server, outputs.flat(), files);
        assert.ok(proxy.cuts() > FILES / 2, `${proxy.cuts()} cuts`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    test('parallelUploads: 4 parts become one file', async () => {
      await using server = await start();
      const bytes = randomBytes(9 * 1024 * KIB + 3);
      const url = await uploadByTusJs(`${server.url}/v1/uploads`, bytes, { parallelUploads: 4 });
      assert.equal(sha256(await downloadUploaded(server.url, url)), sha256(bytes));
    });

    test('a stream of unknown length is uploaded by deferring it', async () => {
      await using server = await start();
      const bytes = randomBytes(2_500_000);
      const settings = { uploadLengthDeferred: true, chunkSize: 1_000_000 };
      const url = await uploadByTusJs(`${server.url}/v1/uploads`, bytes, settings);
      assert.equal(sha256(await downloadUploaded(server.url, url)), sha256(bytes));
    });

    test('data with the creation, and PATCH as POST with an override', async () => {
      await using server = await start();
      const bytes = randomBytes(1_500_000);
      const settings = { uploadDataDuringCreation: true, chunkSize: 1_000_000, overridePatchMethod: true };
      const url = await uploadByTusJs(`${server.url}/v1/uploads`, bytes, settings);
      assert.equal(sha256(await downloadUploaded(server.url, url)), sha256(bytes));
    });

    test('kill -9 in the middle of 20 uploads: all resume, and no byte that was told is lost', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'penstock-tus-kill-'));
      try {
        await killAndResume(transport, dataDir);
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  });
}

async function runTuspy(...args: string[]): Promise<string[]> {
  const script = new URL('tus-upload.py', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(PYTHON, [script, ...args], { maxBuffer: 2 ** 24 });
  return stdout.trim().split('\n');
}

async function killAndResume(transport: string, dataDir: string): Promise<void> {
  const first = await startServer({ dataDir, args: ['--transport', transport] });
  const files = Array.from({ length: 20 }, () => randomBytes(6 * 1024 * KIB));
  const told = new Map<number, number>();
  const inTheMiddle = Promise.withResolvers<void>();
  let chunks = 0;
  const uploads = files.map((bytes, index) =>
    uploadByTusJs(`${first.url}/v1/uploads`, bytes, {
      chunkSize: 512 * KIB,
      retryDelays: Array(200).fill(100),
      onChunkComplete: (_size, accepted) => {
        told.set(index, accepted);
        chunks += 1;
        if (chunks === 100) inTheMiddle.resolve();
      },
      onAfterResponse: (request, response) => {
        const offset = Number(response.getHeader('upload-offset'));
        if (request.getMethod() === 'HEAD')
          assert.ok(offset >= (told.get(index) ?? 0), `${offset} of ${told.get(index)}`);
      },
    }),
  );
  await inTheMiddle.promise;
  await first.kill('SIGKILL');
  assert.ok([...told.values()].some((offset) => offset < 6 * 1024 * KIB));
  await using second = await startServer({ dataDir, args: ['--transport', transport, '--port', `${first.port}`] });
  await assertAllStored(second, await Promise.all(uploads), files);
  assert.deepEqual(filesBelow(join(dataDir, 'tmp')), []);
}
