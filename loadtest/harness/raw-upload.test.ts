import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { createBodySource } from './body.ts';
import type { Ending } from './pace.ts';
import { PROFILES } from './pace.ts';
import { uploadRaw } from './raw-upload.ts';

const body = createBodySource(1).body(300_000);
const json = JSON.stringify({ id: 'x', size: body.length, sha256: body.sha256 });

async function upload(serve: (socket: Socket) => void, ending: Ending = { kind: 'complete' }) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const signal = AbortSignal.timeout(10_000);
  const random = () => 0.5;
  try {
    const origin = `http://127.0.0.1:${port}`;
    return await uploadRaw({ origin, body, profile: PROFILES.full, ending, random, signal });
  } finally {
    server.close();
  }
}

/** Answers once so many bytes have come, the head included. */
function answerAfter(bytes: number, answer: string) {
  return (socket: Socket) => {
    let received = 0;
    socket.on('data', (part) => {
      const before = received;
      received += part.length;
      if (before < bytes && received >= bytes) socket.write(answer);
    });
  };
}

suite('raw upload', () => {
  test('a whole answer with the right digest counts as kept, and nothing as lost', async () => {
    const answer = `HTTP/1.1 201 Created\r\nContent-Length: ${json.length}\r\n\r\n${json}`;
    const outcome = await upload(answerAfter(body.length, answer));
    assert.equal(outcome.status, 201);
    assert.equal(outcome.bytesLost, 0);
    assert.equal(outcome.bytesSent, body.length);
  });

  test('an answer in chunks after an interim one is understood', async () => {
    const chunks = `${json.slice(0, 10).length.toString(16)}\r\n${json.slice(0, 10)}\r\n${(json.length - 10).toString(16)}\r\n${json.slice(10)}\r\n0\r\n\r\n`;
    const answer = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
    const outcome = await upload(answerAfter(body.length, answer));
    assert.equal(outcome.status, 201);
    assert.equal(outcome.bytesLost, 0);
  });

  test('a 2xx with another digest counts all its bytes as lost', async () => {
    const wrong = json.replace(body.sha256, '0'.repeat(64));
    const outcome = await upload(
      answerAfter(body.length, `HTTP/1.1 201 Created\r\nContent-Length: ${wrong.length}\r\n\r\n${wrong}`),
    );
    assert.equal(outcome.bytesLost, body.length);
  });

  test('an answer that comes while the body is still sent is heard', async () => {
    const text = '{"code":"too_many_uploads"}';
    const head = `HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: ${text.length}\r\n\r\n`;
    const outcome = await upload(answerAfter(10, head + text));
    assert.equal(outcome.status, 503);
    assert.equal(outcome.reason, 'too_many_uploads');
    assert.equal(outcome.retryAfter, '3');
  });

  for (const by of ['fin', 'rst', 'half'] as const) {
    test(`a body cut by ${by} stops at its byte`, async () => {
      const seen = Promise.withResolvers<number>();
      const outcome = await upload(
        (socket) => {
          let received = 0;
          socket.on('data', (part) => {
            received += part.length;
          });
          socket.on('end', () => socket.destroy());
          socket.on('close', () => seen.resolve(received));
        },
        { kind: 'cut', at: 70_000, by },
      );
      assert.equal(outcome.status, 0);
      assert.equal(outcome.bytesSent, 70_000);
      assert.ok((await seen.promise) < 71_000);
    });
  }
});
