import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeWire } from '../../test/fixtures/fake-wire.ts';
import { createLog } from '../core/log.ts';
import { type CallerOptions, createCallerNames } from './caller.ts';
import { Exchange } from './exchange.ts';
import type { HeaderLine } from './transport.ts';

const log = createLog({ level: 'silent', format: 'json' });

function callerOf(headers: readonly HeaderLine[], options: Partial<CallerOptions> = {}) {
  const wire = new FakeWire('POST', '/', headers);
  const exchange = new Exchange(wire, { newId: () => 'NEW', log, onOutcome: () => undefined });
  const nameOf = createCallerNames({ apiKeys: [], rateLimitKey: 'address', trustedProxies: [], ...options });
  return { peer: wire.peer, ...nameOf(exchange) };
}

suite('the caller', () => {
  test('is the peer, whatever a header says, where no proxy is trusted', () => {
    const { peer, name, rateKey } = callerOf([['x-forwarded-for', '203.0.113.9']]);
    assert.deepEqual([name, rateKey], [peer, peer]);
  });

  for (const [forwarded, expected] of [
    ['203.0.113.9', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.1.1.1', '203.0.113.9'],
    ['203.0.113.9,nonsense,10.1.1.1', '10.1.1.1'],
    ['nonsense', undefined],
    ['', undefined],
  ] as const) {
    test(`behind trusted proxies with X-Forwarded-For ${JSON.stringify(forwarded)} is ${expected ?? 'the proxy'}`, () => {
      const { peer } = callerOf([]);
      const { name } = callerOf([['x-forwarded-for', forwarded]], { trustedProxies: [peer, '10.0.0.0/8'] });
      assert.equal(name, expected ?? peer);
    });
  }

  test('is known by a key where keys are asked for, and refused without', () => {
    const apiKeys = ['one', 'two'];
    const bearer = callerOf([['authorization', 'Bearer two']], { apiKeys });
    const header = callerOf([['x-api-key', 'two']], { apiKeys, rateLimitKey: 'api-key' });
    const other = callerOf([['x-api-key', 'one']], { apiKeys });
    assert.equal(bearer.name, header.name);
    assert.notEqual(bearer.name, other.name);
    assert.ok(!bearer.name.includes('two'), 'the key itself is nobody’s to read');
    assert.deepEqual([bearer.rateKey, header.rateKey], [bearer.peer, header.name]);
    for (const headers of [[], [['x-api-key', 'three']], [['authorization', 'Basic two']]] as const)
      assert.throws(() => callerOf(headers, { apiKeys }), { code: 'unauthorized' });
  });
});
