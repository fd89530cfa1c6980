import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createAddressGuard, type GuardOptions } from './address-guard.ts';

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.215.14',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  '::ffff:808:808',
  '64:ff9b::808:808',
];

const INSIDE = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::808:808',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::ffff:0:7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::808:808',
  '100::1',
  '1fff::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:80ff:fffe',
  '2001:2::1',
  '2001:10::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '3fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
];

async function verdict(hostname: string, port = 80, options: GuardOptions = {}): Promise<string> {
  try {
    const addresses = await createAddressGuard(options).admit(hostname, port);
    return addresses.map(({ address }) => address).join(' ');
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

const named = (addresses: string[]) => async () =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

suite('address guard', () => {
  for (const address of PUBLIC) {
    test(`${address} is public, as a literal and behind a name`, async () => {
      assert.equal(await verdict(address), address);
      assert.equal(await verdict('name.test', 80, { resolve: named([address]) }), address);
    });
  }

  for (const address of INSIDE) {
    test(`${address} is inside, as a literal and behind a name`, async () => {
      assert.equal(await verdict(address), 'blocked_address');
      assert.equal(await verdict('name.test', 80, { resolve: named([address]) }), 'blocked_address');
    });
  }

  test('one inside address among public ones blocks the name', async () => {
    const resolve = named(['8.8.8.8', '2606:4700:4700::1111', '10.0.0.1']);
    assert.equal(await verdict('mixed.test', 80, { resolve }), 'blocked_address');
  });

  test('the addresses of this machine are inside whatever their range', async () => {
    for (const { address } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
      assert.equal(await verdict(address), 'blocked_address');
    }
  });

  test('what the resolver throws comes through', async () => {
    const resolve = () => Promise.reject(new Error('no such name'));
    await assert.rejects(verdict('gone.test', 80, { resolve }), /no such name/);
  });

  const exceptions: [allow: string, hostname: string, port: number, expected: string][] = [
    ['10.0.0.0/8', '10.1.2.3', 80, '10.1.2.3'],
    ['10.0.0.0/8', '::ffff:10.1.2.3', 80, '::ffff:a01:203'],
    ['10.0.0.0/8', '11.0.0.1', 80, '11.0.0.1'],
    ['10.0.0.0/8', '127.0.0.1', 80, 'blocked_address'],
    ['10.0.0.0/8', '2002:a00:1::1', 80, 'blocked_address'],
    ['0.0.0.0/0', '169.254.169.254', 80, '169.254.169.254'],
    ['fd00::/8', 'fd12::1', 80, 'fd12::1'],
    ['fd00::/8', 'fc00::1', 80, 'blocked_address'],
    ['127.0.0.1', '127.0.0.1', 9000, '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2', 9000, 'blocked_address'],
    ['127.0.0.1:9000', '127.0.0.1', 9000, '127.0.0.1'],
    ['127.0.0.1:9000', '127.0.0.1', 9001, 'blocked_address'],
    ['127.0.0.1:9000', 'lan.test', 9000, '127.0.0.1'],
    ['[::1]:9000', '::1', 9000, '::1'],
    ['[0:0::1]:9000', '[::1]', 9000, '::1'],
    ['[::1]:9000', '::1', 9001, 'blocked_address'],
    ['::1', '::1', 1, '::1'],
    ['lan.test', 'LAN.test.', 80, '127.0.0.1'],
    ['Lan.Test.', 'lan.test', 80, '127.0.0.1'],
    ['lan.test', 'x.lan.test', 80, 'blocked_address'],
    ['lan.test:81', 'lan.test', 80, 'blocked_address'],
    ['lan.test:81', 'lan.test', 81, '127.0.0.1'],
  ];
  for (const [allow, hostname, port, expected] of exceptions) {
    test(`with ${allow} allowed, ${hostname} at ${port} gives ${expected}`, async () => {
      assert.equal(await verdict(hostname, port, { allow: [allow], resolve: named(['127.0.0.1']) }), expected);
    });
  }

  for (const entry of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    'fd00::/129',
    'http://x',
    'a b',
    '[::zz]:1',
    '10.0.0.0/8/9',
  ]) {
    test(`the entry "${entry}" of an allow-list is refused at once, by name`, () => {
      assert.throws(
        () => createAddressGuard({ allow: ['ok.test', entry] }),
        (error) => String(error).includes(`"${entry}"`),
      );
    });
  }
});
