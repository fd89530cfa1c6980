import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithin, readNetwork } from './network.ts';

const within = (address: string, ...networks: string[]) =>
  isWithin(
    address,
    networks.map((text) => readNetwork(text) ?? assert.fail(text)),
  );

test('an address lies in a network of its own family, and in itself', () => {
  assert.ok(within('10.1.2.3', '192.168.0.0/16', '10.0.0.0/8'));
  assert.ok(within('10.1.2.3', '10.1.2.3'));
  assert.ok(within('::ffff:10.1.2.3', '10.0.0.0/8'));
  assert.ok(within('10.1.2.3', '::ffff:10.1.2.3'));
  assert.ok(within('2001:db8::1', '2001:db8::/32'));
  assert.ok(!within('10.1.2.3', '10.1.2.4', '11.0.0.0/8', '::/0'));
  assert.ok(!within('10.1.2.3'));
});

test('what is no address lies nowhere and is no network', () => {
  for (const text of ['', 'proxy', '10', '0x0a.1', '10.0.0.0/33', '10.0.0.0/', '::/129', '1.2.3.4:80', '[::1]']) {
    assert.equal(readNetwork(text), undefined, text);
    assert.ok(!within(text, '0.0.0.0/0', '::/0'), text);
  }
});
