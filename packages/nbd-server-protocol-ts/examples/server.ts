/** A whole NBD server: a disk in memory. Run `node server.ts 10809`, then `nbdinfo nbd://localhost/`. */

import { once } from 'node:events';
import net from 'node:net';
import { ServerConnection } from 'nbd-server-protocol-ts';

const disk = new Uint8Array(64 << 20);

export const server = net.createServer((socket) => {
  const nbd = new ServerConnection({
    exports: [{ name: 'disk', size: disk.length, multiConn: true }],
    read: ({ offset, length }) => disk.subarray(offset, offset + length),
    write: ({ offset }, data) => {
      disk.set(data, offset);
    },
    zeroes: ({ offset, length }) => {
      disk.fill(0, offset, offset + length);
    },
    flush: () => {}, // memory is as durable as it gets
    send: (bytes) => socket.write(bytes) || once(socket, 'drain'),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: (error) => (error === undefined ? socket.end() : socket.destroySoon()),
  });
  socket.on('data', (bytes) => nbd.receive(bytes));
  socket.on('close', () => nbd.abort());
  socket.on('error', () => {}); // 'close' follows
});

if (process.argv[2] !== undefined) server.listen(Number(process.argv[2]));
