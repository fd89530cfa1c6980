import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRouter, type Route } from './route.ts';

const route = (method: string, path: string): Route => ({ method, path, handle: () => undefined });
const find = createRouter([
  route('GET', '/v1/files/{id}'),
  route('DELETE', '/v1/files/{id}'),
  route('GET', '/v1/files/newest'),
  route('GET', '/v1/jobs/{id}/pages/{page}'),
  route('GET', '/'),
  route('HEAD', '/own'),
  route('GET', '/own'),
  route('POST', '/file'),
]);

suite('the router', () => {
  for (const [method, path, expected, params] of [
    ['GET', '/', '/', {}],
    ['GET', '/v1/files/a', '/v1/files/{id}', { id: 'a' }],
    ['GET', '/v1/files/a%2Fb%20c', '/v1/files/{id}', { id: 'a/b c' }],
    ['GET', '/v1/files/newest', '/v1/files/newest', {}],
    ['GET', '/v1/%66iles/%6eewes%74', '/v1/files/newest', {}],
    ['POST', '/%66%69%6C%65', '/file', {}],
    ['GET', '/v%31/files/%2566', '/v1/files/{id}', { id: '%66' }],
    ['GET', '/v1/jobs/j/pages/3', '/v1/jobs/{id}/pages/{page}', { id: 'j', page: '3' }],
    ['HEAD', '/v1/files/a', '/v1/files/{id}', { id: 'a' }],
  ] as const) {
    test(`finds ${method} ${path}`, () => {
      const match = find(method, path);
      assert.ok(match.kind === 'found');
      assert.deepEqual([match.route.path, match.params], [expected, params]);
    });
  }

  test('prefers a route of HEAD to that of GET', () => {
    const match = find('HEAD', '/own');
    assert.equal(match.kind === 'found' && match.route.method, 'HEAD');
  });

  for (const path of [
    '/nowhere',
    '/v1/files/',
    '/v1/files',
    '/v1/files/a/b',
    '/file/',
    '//file',
    '',
    '/V1/files/a',
    '/__proto__',
    '/v1%2Ffiles/a',
    '/v1/files%2Fnewest',
    '/%2566ile',
    '/%zz',
    '/v1/file%/a',
    '/v1/%ff/a',
  ]) {
    test(`does not know ${JSON.stringify(path)}`, () => {
      assert.deepEqual(find('GET', path), { kind: 'unknown_path' });
    });
  }

  test('tells the other methods of a path', () => {
    assert.deepEqual(find('PUT', '/v1/files/a'), { kind: 'other_methods', allow: ['DELETE', 'GET', 'HEAD'] });
    assert.deepEqual(find('GET', '/file'), { kind: 'other_methods', allow: ['POST'] });
  });

  test('refuses a segment that is no percent-encoding', () => {
    for (const path of ['/v1/files/%zz', '/v1/%66iles/%ff', '/v1/files/%'])
      assert.throws(() => find('GET', path), { code: 'bad_request' });
  });

  test('does not take two routes for one method and path', () => {
    assert.throws(() => createRouter([route('GET', '/a'), route('GET', '/a')]), /two routes/);
  });
});
