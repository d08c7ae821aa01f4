/** A whole NBD server: a disk in memory. Run `node server.ts 10809`, then `nbdinfo nbd://localhost/`. */

import net from 'node:net';
import * as nbd from 'nbd-server-protocol-ts';

const PAYLOAD_MAX = 32 << 20;
const { READ, WRITE, DISC } = nbd.Command;
const disk = new Uint8Array(64 << 20);
const blockSize = { minimum: 1, preferred: 4096, maximumPayload: PAYLOAD_MAX };
const one = { name: 'disk', size: disk.length, flags: nbd.TransmissionFlag.HAS_FLAGS, blockSize };
const find = (name: string) => (name === '' || name === one.name ? one : undefined);
const host = { list: () => [one], find, shuttingDown: () => false };

export const server = net.createServer((socket) => {
  const handshake = new nbd.ServerHandshake(host, { extendedHeaders: true });
  let decoder: nbd.RequestDecoder | undefined;
  socket.on('error', () => {}).write(handshake.greeting());
  socket.on('data', (bytes) => {
    let at = 0;
    if (decoder === undefined) {
      const progress = handshake.receive(bytes, 0, bytes.length);
      at = progress.consumed;
      socket.write(progress.output);
      if (progress.state === 'closed') socket.end();
      if (progress.state !== 'transmission') return;
      const { extendedHeaders, replyForm } = progress.agreed;
      const encoder = new nbd.ReplyEncoder(replyForm);
      const request: nbd.RequestHandler['request'] = (header, payload) =>
        header.command === DISC ? socket.end() : socket.write(answer(encoder, header, payload));
      decoder = new nbd.RequestDecoder(extendedHeaders, PAYLOAD_MAX, { request });
    }
    if (decoder.receive(bytes, at, bytes.length) !== undefined) socket.destroy();
  });
});

function answer(encoder: nbd.ReplyEncoder, to: nbd.RequestHeader, payload: Uint8Array | undefined) {
  const { command, flags, offset, length } = to;
  const read = command === READ && flags === 0 && length > 0 && length <= PAYLOAD_MAX;
  const write = command === WRITE && payload?.length === length;
  const bytes = new Uint8Array(64 + (read ? length : 0));
  const view = new DataView(bytes.buffer);
  if ((!read && !write) || nbd.endsBeyond(to, 0, disk.length)) {
    return bytes.subarray(0, encoder.error(view, bytes, 0, to, nbd.NbdError.EINVAL));
  }
  if (write) disk.set(payload, offset);
  if (write) return bytes.subarray(0, encoder.done(view, 0, to));
  const head = encoder.data(view, 0, nbd.ChunkFlag.DONE, to, 0, length);
  bytes.set(disk.subarray(offset, offset + length), head);
  return bytes.subarray(0, head + length);
}

if (process.argv[2] !== undefined) server.listen(Number(process.argv[2]));
