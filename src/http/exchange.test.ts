import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeWire } from '../../test/fixtures/fake-wire.ts';
import { AppError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { Exchange, type Outcome } from './exchange.ts';
import type { HeaderLine } from './transport.ts';

interface Case {
  readonly wire: FakeWire;
  readonly exchange: Exchange;
  readonly outcomes: Outcome[];
}

function open(method = 'GET', target = '/', headers: readonly HeaderLine[] = [], isProxy = () => false): Case {
  const wire = new FakeWire(method, target, headers);
  const outcomes: Outcome[] = [];
  const log = createLog({ level: 'silent', format: 'json' });
  const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
  const exchange = new Exchange(wire, { newId: () => 'NEW', log, onOutcome, isProxy });
  wire.events = exchange.events;
  return { wire, exchange, outcomes };
}

suite('Exchange', () => {
  for (const [sent, used] of [
    ['abc.DEF_1-2', 'abc.DEF_1-2'],
    ['a b', 'NEW'],
    ['a\r\nx: y', 'NEW'],
    ['a'.repeat(65), 'NEW'],
    ['', 'NEW'],
  ] as const) {
    test(`the request id ${JSON.stringify(sent)} becomes ${used} and goes back`, () => {
      const { wire, exchange } = open('GET', '/', [['x-request-id', sent]]);
      exchange.reply({ status: 204 });
      assert.equal(wire.answerHeaders.get('x-request-id'), used);
    });
  }

  test('takes the target and the headers apart', () => {
    const headers = [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['content-length', '12'],
    ] as const;
    const { exchange } = open('POST', '/x/%20?q=1&q=2', headers);
    assert.deepEqual([exchange.path, exchange.query.getAll('q')], ['/x/%20', ['1', '2']]);
    assert.deepEqual([exchange.header('a'), exchange.headers('a'), exchange.header('c')], ['1', ['1', '3'], undefined]);
    assert.deepEqual([exchange.contentLength, exchange.hasBody], [12, true]);
    assert.equal(open('POST', '/', [['transfer-encoding', 'chunked']]).exchange.hasBody, true);
    assert.equal(open('POST', '/', [['content-length', '0']]).exchange.hasBody, false);
    assert.equal(open().exchange.hasBody, false);
  });

  test('links start as its caller reached it, which only a proxy may say', () => {
    const headers = [
      ['host', 'inside:8000'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'files.example.org'],
    ] as const;
    assert.equal(open('GET', '/', headers).exchange.origin, 'http://inside:8000');
    assert.equal(open('GET', '/', headers, () => true).exchange.origin, 'https://files.example.org');
    assert.equal(open('GET', '/', headers.slice(0, 1), () => true).exchange.origin, 'http://inside:8000');
  });

  test('answers once, and tells its outcome once', () => {
    const { wire, exchange, outcomes } = open('GET', '/a?b=c');
    exchange.replyJson(200, { ok: true });
    exchange.replyJson(500, { ok: false });
    wire.events?.onAbort();
    assert.equal(wire.text, '{"ok":true}\n');
    assert.equal(wire.status, 200);
    const [{ status, path, code } = {}, ...more] = outcomes;
    assert.deepEqual({ status, path, code, more }, { status: 200, path: '/a', code: undefined, more: [] });
  });

  test('answers an error with a problem document', async () => {
    const { wire, exchange, outcomes } = open();
    exchange.setHeader('ratelimit', 'r=0');
    exchange.replyProblem(
      new AppError('queue_full', 'no slot is free', { retryAfterS: 1.2, extra: { task: 'x', status: 'y' } }),
    );
    await exchange.over;
    assert.deepEqual(JSON.parse(wire.text), {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code: 'queue_full',
      detail: 'no slot is free',
      request_id: 'NEW',
      task: 'x',
    });
    const {
      'content-type': type,
      'retry-after': after,
      'cache-control': cache,
      ratelimit,
    } = Object.fromEntries(wire.answerHeaders);
    assert.deepEqual([type, after, cache, ratelimit], ['application/problem+json', '2', 'no-store', 'r=0']);
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.code], [503, 'queue_full']);
  });

  test('keeps what could break out of a header inside', () => {
    const { wire, exchange } = open();
    exchange.reply({ status: 200, headers: [['location', 'a\r\nx: y\u0100']] });
    assert.equal(wire.answerHeaders.get('location'), 'a??x: y?');
  });

  test('a header of the answer wins over one that was set before', () => {
    const { wire, exchange } = open();
    exchange.setHeader('retry-after', '1');
    exchange.reply({ status: 503, headers: [['retry-after', '9']] });
    assert.equal(wire.answerHeaders.get('retry-after'), '9');
  });

  test('a status without a body has none, and no length', () => {
    const { wire, exchange } = open();
    exchange.reply({ status: 304, body: 'no' });
    assert.deepEqual([wire.length, wire.text], [undefined, '']);
  });

  test('a lost client aborts the signal, fails the body and is told as 499', async () => {
    const { wire, exchange, outcomes } = open('POST', '/', [['content-length', '5']]);
    const chunk = exchange.body.next();
    wire.events?.onAbort();
    await assert.rejects(chunk, { code: 'client_gone' });
    assert.equal((exchange.signal.reason as AppError).code, 'client_gone');
    exchange.replyJson(200, {});
    assert.equal(wire.status, undefined);
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.code], [499, 'client_gone']);
  });

  test('an answer before the end of the body frees whoever still reads it', async () => {
    const { exchange } = open('POST', '/', [['content-length', '5']]);
    const chunk = exchange.body.next();
    exchange.replyProblem(new AppError('too_large', 'enough'));
    await assert.rejects(chunk, { code: 'cancelled' });
  });

  test('a stream waits for a client that is behind', async () => {
    const { wire, exchange } = open();
    wire.isKeepingUp = false;
    const sent = exchange.replyStream({ status: 200, length: 2 }, chunks('a', 'b'));
    await turn();
    assert.deepEqual(wire.calls, ['head', 'write']);
    wire.events?.onDrain();
    await turn();
    assert.deepEqual(wire.calls, ['head', 'write', 'write']);
    wire.events?.onDrain();
    await sent;
    assert.deepEqual([wire.text, wire.isEnded], ['ab', true]);
  });

  test('a lost client ends the source of a stream, even one that waits', async () => {
    const { wire, exchange } = open();
    const ended = Promise.withResolvers<void>();
    const never: AsyncIterator<Uint8Array> & AsyncIterable<Uint8Array> = {
      next: () => new Promise(() => undefined),
      return: async () => {
        ended.resolve();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => never,
    };
    const sent = exchange.replyStream({ status: 200 }, never);
    wire.events?.onAbort();
    await assert.rejects(sent, { code: 'client_gone' });
    await ended.promise;
  });

  test('a source that fails midway drops the connection', async () => {
    const { wire, exchange, outcomes } = open();
    const sent = exchange.replyStream({ status: 200 }, failing());
    await assert.rejects(sent, /disk/);
    assert.equal(wire.calls.at(-1), 'abort');
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.code], [200, 'internal']);
  });

  test('HEAD takes nothing from the source', async () => {
    const { wire, exchange } = open('HEAD');
    await exchange.replyStream({ status: 200, length: 1 }, failing());
    assert.deepEqual([wire.length, wire.text, wire.isEnded], [1, '', true]);
  });

  test('methods that HTTP does not define share one name in the outcome', () => {
    const { exchange, outcomes } = open('BREW');
    exchange.reply({ status: 204 });
    assert.equal(outcomes[0]?.method, 'OTHER');
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a');
  throw new Error('the disk failed');
}
