import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What everybody writes first: node:http, the request piped into a file. No digest, no fsync, no clean-up. */
const folder = process.argv[2] ?? '.';
const server = createServer((request, response) => {
  pipeline(request, createWriteStream(join(folder, randomUUID())))
    .then(() => response.writeHead(201).end())
    .catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${JSON.stringify(server.address())}`));
