import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../test/fixtures/temporary.ts';
import { ConfigError, describeSettings, loadConfig } from './config.ts';

function configFile(content: string): string {
  const path = join(temporaryFolder('config'), 'config.json');
  writeFileSync(path, content);
  return path;
}

test('flags win over the environment, the environment over the file, the file over the default', () => {
  const file = configFile('{"port": 1, "max-uploads": 2, "workers": 3}');
  const env = { PENSTOCK_PORT: '11', PENSTOCK_MAX_UPLOADS: '12' };
  const config = loadConfig(['--config', file, '--port', '21'], env);
  assert.deepEqual([config.port, config.maxUploads, config.workers, config.rateLimit], [21, 12, 3, 60]);
});

for (const [args, name, value] of [
  [['--max-upload-bytes', '5GiB'], 'maxUploadBytes', 5 * 2 ** 30],
  [['--max-upload-bytes', '64MB'], 'maxUploadBytes', 64e6],
  [['--retention', '24h'], 'retention', 86_400],
  [['--deadline', '0.5'], 'deadline', 0.5],
  [['--deadline', '250ms'], 'deadline', 0.25],
  [['--trace'], 'trace', true],
  [['--trace=yes'], 'trace', true],
  [['--trace', '--no-trace'], 'trace', false],
  [['--host=-x'], 'host', '-x'],
  [['--tasks', 'a', '--tasks', 'b,c'], 'tasks', ['a', 'b', 'c']],
  [['--max-deadline', '10'], 'maxDeadline', 10],
  [['--deadline', '10', '--max-deadline', '10'], 'deadline', 10],
  [['--allow-addresses', 'fd00::/8,files.lan:8080'], 'allowAddresses', ['fd00::/8', 'files.lan:8080']],
  [
    ['--trusted-proxies', '10.0.0.1,10.0.0.2', '--trusted-proxies', '::1'],
    'trustedProxies',
    ['10.0.0.1', '10.0.0.2', '::1'],
  ],
] as const) {
  test(`${args.join(' ')} is read as ${JSON.stringify(value)}`, () => {
    assert.deepEqual(loadConfig(args, {})[name], value);
  });
}

for (const origin of ['*', 'null', 'https://app.example', 'HTTP://localhost:3000/', 'app://-', 'https://[::1]:8443']) {
  test(`${origin} may be among the origins`, () => {
    assert.deepEqual(loadConfig(['--allow-origins', origin], {}).allowOrigins, [origin]);
  });
}

for (const [args, env, message] of [
  [['--port', '65536'], {}, /--port: "65536" is not allowed; expected a whole number from 0 to 65535/],
  [['--port', 'x'], {}, /--port/],
  [['--port', '--host', 'x'], {}, /^--port: "--host" is not allowed; expected a whole number from 0 to 65535$/],
  [['--port', '-1'], {}, /^--port: "-1" is not allowed; expected a whole number from 0 to 65535$/],
  [['--port=-1'], {}, /^--port: "-1" is not allowed/],
  [['--port'], {}, /^--port: there is no value; expected a whole number from 0 to 65535$/],
  [['--transport'], {}, /^--transport: there is no value; expected auto \| uws \| node$/],
  [['--host', '--port', '1'], {}, /^--host: "--port" is not allowed; expected some text, or --host=--port$/],
  [['--tasks', '-x'], {}, /^--tasks: "-x" is not allowed; expected a list of texts, or --tasks=-x$/],
  [['--config'], {}, /^--config: there is no value; expected some text$/],
  [['--trace=perhaps'], {}, /^--trace: "perhaps" is not allowed; expected true or false$/],
  [['--no-port'], {}, /^"--no-port" is not a setting/],
  [['-p', '1'], {}, /^"-p" is not a setting/],
  [['--allow-addresses', '::1,foo/99'], {}, /^--allow-addresses: "foo\/99" is not allowed; expected a CIDR, /],
  [[], { PENSTOCK_ALLOW_ADDRESSES: '10.0.0.0/33' }, /^PENSTOCK_ALLOW_ADDRESSES: "10.0.0.0\/33" is not allowed/],
  [
    ['--allow-origins', 'foo'],
    {},
    /^--allow-origins: "foo" is not allowed; expected an origin .*https:\/\/app\.example/,
  ],
  [['--allow-origins', 'https://app.example/page'], {}, /^--allow-origins: "https:\/\/app.example\/page"/],
  [['--allow-origins', 'https://app.example:443'], {}, /^--allow-origins: /],
  [
    ['--deadline', '100', '--max-deadline', '10'],
    {},
    /^--deadline: 100 is not allowed; expected at most max-deadline, .* 10 s$/,
  ],
  [
    [],
    { PENSTOCK_DEADLINE: '1h' },
    /^PENSTOCK_DEADLINE: 3600 is not allowed; expected at most max-deadline, .* 600 s$/,
  ],
  [['--transport', 'apache'], {}, /auto \| uws \| node/],
  [[], { PENSTOCK_WORKERS: '1.5' }, /PENSTOCK_WORKERS: "1.5"/],
  [['--trusted-proxies', '10.0.0.0/33'], {}, /^--trusted-proxies: "10.0.0.0\/33" is not allowed; expected an address/],
  [['--nonsense'], {}, /--nonsense/],
  [['extra'], {}, /extra/],
  [['--config', '/nowhere.json'], {}, /nowhere/],
  [['a\nb'], {}, /^"a\\nb" is not a setting/],
  [['--config', configFile('{"a":\nx}')], {}, /not valid JSON/],
  [['--config', configFile('[1]')], {}, /one JSON object/],
  [['--config', configFile('{"prot": 1}')], {}, /"prot" is not a setting/],
] as const) {
  test(`${[...args, JSON.stringify(env)].join(' ')} stops the start with one line`, () => {
    const attempt = () => loadConfig(args, env);
    assert.throws(
      attempt,
      (error: unknown) => error instanceof ConfigError && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

test('every setting tells its default, its limits and what it means', () => {
  for (const row of describeSettings()) assert.ok(row.doc.length > 10 && row.allowed && row.default, row.flag);

  test('FastTaskAPI’s variables are other names of four settings, whose own names win', () => {
    const env = { FTAPI_HOST: '0.0.0.0', FTAPI_PORT: '9001', FTAPI_BACKEND: 'fastapi', FTAPI_DEPLOYMENT: 'serverless' };
    const { host, port, backend, deployment } = loadConfig([], env);
    assert.deepEqual([host, port, backend, deployment], ['0.0.0.0', 9001, 'http', 'serverless']);
    assert.equal(loadConfig([], { ...env, PENSTOCK_PORT: '9002' }).port, 9002);
    assert.equal(loadConfig(['--host', '::1'], env).host, '::1');
    assert.throws(() => loadConfig([], { FTAPI_PORT: 'many' }), /FTAPI_PORT: "many" is not allowed/);
  });
});
