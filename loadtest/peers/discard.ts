import { createServer } from 'node:net';

/** Reads uploads and keeps nothing: the ceiling of the sender and of the loopback. Knows only requests with a length. */
const server = createServer((socket) => {
  let left = 0;
  socket.on('data', (part) => {
    let rest = part;
    if (left === 0) {
      const end = part.indexOf('\r\n\r\n');
      left = Number(/content-length: *(\d+)/i.exec(part.toString('latin1', 0, end))?.[1] ?? 0);
      rest = part.subarray(end + 4);
    }
    left -= rest.length;
    if (left === 0) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${JSON.stringify(server.address())}`));
