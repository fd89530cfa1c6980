import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkFraming, MAX_TARGET_BYTES } from './framing.ts';
import type { HeaderLine } from './transport.ts';

const HOST = ['host', 'a'] as const;
const codeOf = (headers: readonly HeaderLine[], target = '/', method = 'POST') =>
  checkFraming({ method, target, headers })?.code;

suite('framing', () => {
  const fine: readonly (readonly HeaderLine[])[] = [
    [HOST],
    [['host', '']],
    [['host', '[::1]:8000']],
    [HOST, ['content-length', '0']],
    [HOST, ['content-length', '999999999999999']],
    [HOST, ['transfer-encoding', 'chunked']],
    [HOST, ['transfer-encoding', 'CHUNKED']],
  ];
  for (const headers of fine) {
    test(`${JSON.stringify(headers)} is fine`, () => {
      assert.equal(codeOf(headers), undefined);
    });
  }

  const doubtful: readonly (readonly HeaderLine[])[] = [
    [],
    [HOST, HOST],
    [['host', 'a/b']],
    [['host', 'a b']],
    [['host', 'a@b']],
    ...['', '+1', '-1', '1,1', '1 1', '0x1', '1.0', '1e1', '1_0', '٣', '1234567890123456'].map(
      (length) => [HOST, ['content-length', length]] as const,
    ),
    [HOST, ['content-length', '1'], ['content-length', '1']],
    [HOST, ['content-length', '1'], ['transfer-encoding', 'chunked']],
    [HOST, ['transfer-encoding', 'chunked'], ['transfer-encoding', 'chunked']],
    ...['', 'xchunked', 'gzip, chunked', 'chunked, chunked', 'chunked;q=1', '"chunked"', ' chunked', 'identity'].map(
      (coding) => [HOST, ['transfer-encoding', coding]] as const,
    ),
  ];
  for (const headers of doubtful) {
    test(`${JSON.stringify(headers)} is refused`, () => {
      assert.equal(codeOf(headers), 'bad_framing');
    });
  }

  for (const target of ['/', '/a?b', '/%zz', '/ÿ', 'http://a/b', 'https://a', `/${'a'.repeat(MAX_TARGET_BYTES - 1)}`]) {
    test(`the target ${target.slice(0, 20)} is fine`, () => {
      assert.equal(codeOf([HOST], target), undefined);
    });
  }

  for (const target of [
    '',
    '*',
    'a',
    'ftp://a/',
    'http://',
    'http:///a',
    '/a b',
    '/\n',
    '/\0',
    '/\x7f',
    `/${'a'.repeat(MAX_TARGET_BYTES)}`,
  ]) {
    test(`the target ${JSON.stringify(target.slice(0, 20))} is refused`, () => {
      assert.equal(codeOf([HOST], target), 'bad_request');
    });
  }

  test('an asterisk is fine for OPTIONS', () => {
    assert.equal(codeOf([HOST], '*', 'OPTIONS'), undefined);
  });
});
