import { createServer } from 'node:http';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

/** @tus/server as its README sets it up. */
const tus = new Server({ path: '/files', datastore: new FileStore({ directory: process.argv[2] ?? '.' }) });
const server = createServer((request, response) => tus.handle(request, response));
server.listen(0, '127.0.0.1', () => console.log(`listening on ${JSON.stringify(server.address())}`));
