import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { startChild } from '../harness/child.ts';
import type { Lab } from '../harness/lab.ts';
import { findProgram } from '../harness/program.ts';
import type { Running } from './peer.ts';

/** The two ways in which nginx itself stores a body: WebDAV PUT, and a body file handed to the next server. */
export type NginxMode = 'put' | 'body';

/** A server of its own on loopback, with Debian's defaults but for the size limit and the log. */
export async function startNginx(lab: Lab, mode: NginxMode): Promise<Running | string> {
  const nginx = findProgram('nginx');
  if (!nginx) return 'nginx is not installed (Debian package nginx-light)';
  const home = await lab.folder(`peer-nginx-${mode}`);
  const [files, bodies, config] = [join(home, 'files'), join(home, 'bodies'), join(home, 'nginx.conf')];
  await Promise.all([mkdir(files), mkdir(bodies)]);
  const [port, next] = [await freePort(), await freePort()];
  await writeFile(config, configText({ mode, home, files, bodies, port, next }));
  const child = await startChild({
    command: nginx,
    args: ['-p', home, '-c', config, '-e', 'stderr', '-g', 'daemon off;'],
    ready: /start worker process \d+/,
  });
  lab.defer(async () => {
    await child.stop();
  });
  const request = mode === 'put' ? 'PUT /files/{n} HTTP/1.1' : 'POST /body HTTP/1.1';
  const clean = async () => {
    for (const folder of [files, bodies]) {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    }
  };
  const head = [request, 'host: 127.0.0.1', 'content-length: {bytes}'];
  return { pid: child.pid, memoryOf: 'tree', port, head, folder: home, clean };
}

interface ConfigOptions {
  readonly mode: NginxMode;
  readonly home: string;
  readonly files: string;
  readonly bodies: string;
  readonly port: number;
  readonly next: number;
}

function configText({ mode, home, files, bodies, port, next }: ConfigOptions): string {
  const put = `location /files/ { root ${home}; dav_methods PUT; create_full_put_path on; }`;
  const body = `location /body {
      client_body_in_file_only on;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-File $request_body_file;
      proxy_pass http://127.0.0.1:${next};
    }`;
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes auto;
pid ${home}/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path ${mode === 'put' ? bodies : files};
  server { listen 127.0.0.1:${port}; ${mode === 'put' ? put : body} }
  server { listen 127.0.0.1:${next}; location / { return 201; } }
}
`;
}

/** nginx cannot choose a port by itself; this one is free until somebody takes it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
