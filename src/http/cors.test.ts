import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCors } from './cors.ts';
import type { Answer, Exchange } from './exchange.ts';

/** What a request from a page is told. */
function ask(origins: readonly string[], sent: Record<string, string>, method = 'POST') {
  const told: Record<string, string> = {};
  let answer: Answer | undefined;
  const exchange = {
    method,
    header: (name: string) => sent[name],
    setHeader(name: string, value: string) {
      told[name] = value;
    },
    reply(given: Answer) {
      answer = given;
    },
  };
  const isAnswered = createCors(origins)(exchange as unknown as Exchange);
  return { isAnswered, answer, allowed: told['access-control-allow-origin'], vary: told.vary };
}

const APP = 'https://app.example';

suite('pages of other origins', () => {
  test('may read answers where their origin is named, and only there', () => {
    assert.equal(ask([APP], { origin: APP }).allowed, APP);
    assert.equal(ask([`${APP}/`], { origin: APP }).allowed, APP);
    assert.equal(ask(['*'], { origin: APP }).allowed, '*');
    assert.equal(ask([APP], { origin: 'https://app.example.evil' }).allowed, undefined);
    assert.equal(ask([], { origin: APP }).allowed, undefined);
    assert.equal(ask(['*'], {}).allowed, undefined);
  });

  test('a cache learns that the answer depends on the origin, refused ones too', () => {
    assert.equal(ask([APP], { origin: 'https://other.example' }).vary, 'Origin');
  });

  test('a preflight is answered here, any other OPTIONS is not', () => {
    const preflight = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'upload-offset' };
    const { isAnswered, answer } = ask([APP], { origin: APP, ...preflight }, 'OPTIONS');
    assert.equal(isAnswered, true);
    assert.equal(answer?.status, 204);
    assert.deepEqual(
      answer.headers?.find(([name]) => name === 'access-control-allow-headers'),
      ['access-control-allow-headers', 'upload-offset'],
    );
    assert.equal(ask([APP], { origin: APP }, 'OPTIONS').isAnswered, false);
    assert.equal(ask([], { origin: APP, ...preflight }, 'OPTIONS').isAnswered, false);
  });
});
