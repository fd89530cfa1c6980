import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import Uppy from '@uppy/core';
import UppyTus from '@uppy/tus';
import { type DetailedError, Upload, type UploadOptions } from 'tus-js-client';

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Tries often and soon: the tests cut more than any network. */
const RETRY_DELAYS = Array.from({ length: 60 }, (_, attempt) => Math.min(200, attempt * 20));

export type TusSettings = Partial<UploadOptions>;

/** Uploads by tus-js-client; resolves with the upload's URL. */
export function uploadByTusJs(endpoint: string, bytes: Buffer, settings: TusSettings = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const upload = new Upload(bytes, {
    endpoint,
    retryDelays: RETRY_DELAYS,
    metadata: { filename: 'by tus-js-client.bin' },
    storeFingerprintForResuming: false,
    onError: (error: Error | DetailedError) => reject(error),
    onSuccess: () => resolve(upload.url ?? assert.fail('no URL')),
    ...settings,
  });
  upload.start();
  return promise;
}

/** Uploads all by Uppy with its tus plugin, so many at once; resolves with their URLs in order. */
export async function uploadByUppy(endpoint: string, files: readonly Buffer[], limit: number): Promise<string[]> {
  const uppy = new Uppy({ logger: { debug() {}, warn() {}, error() {} } });
  // In Node tus-js-client reads Buffers and streams, Uppy hands it Blobs: this is all that a browser has beyond that.
  const fileReader = {
    openFile: async (blob: Blob) => ({
      size: blob.size,
      slice: async (start: number, end: number) => {
        const value = Buffer.from(await blob.slice(start, end).arrayBuffer());
        return { value: Object.assign(value, { size: value.length }), done: end >= blob.size };
      },
      close: () => undefined,
    }),
  };
  const options = { endpoint, limit, retryDelays: RETRY_DELAYS, storeFingerprintForResuming: false, fileReader };
  uppy.use(UppyTus, options as never);
  const ids = files.map((bytes, index) =>
    uppy.addFile({ name: `${index}.bin`, type: 'application/octet-stream', data: new Blob([Uint8Array.from(bytes)]) }),
  );
  const outcome = await uppy.upload();
  const problems = (outcome?.failed ?? []).map((file) => file.error);
  assert.deepEqual(problems.slice(0, 3), []);
  const urls = ids.map((id) => uppy.getFile(id)?.uploadURL ?? assert.fail(`no URL for ${id}`));
  uppy.destroy();
  return urls;
}

/** The stored file's bytes, found as any client finds them: by the header of the upload. */
export async function downloadUploaded(serverUrl: string, uploadUrl: string): Promise<Buffer> {
  const path = new URL(uploadUrl).pathname;
  const head = await fetch(serverUrl + path, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('upload-offset'), head.headers.get('upload-length'));
  const file = new URL(head.headers.get('content-location') ?? assert.fail('the upload tells no file')).pathname;
  const answer = await fetch(serverUrl + file);
  assert.equal(answer.status, 200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.headers.get('etag'), `"${sha256(bytes)}"`);
  return bytes;
}
