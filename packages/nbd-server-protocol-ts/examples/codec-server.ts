/** The same server with the codec alone. Run `node codec-server.ts 10809`, then `nbdinfo nbd://localhost/`. */

import net from 'node:net';
import * as nbd from 'nbd-server-protocol-ts';

const PAYLOAD_MAX = 32 << 20;
const { READ, WRITE, DISC } = nbd.Command;
const disk = new Uint8Array(64 << 20);
const blockSize = { minimum: 1, preferred: 4096, maximumPayload: PAYLOAD_MAX };
const one = { name: 'disk', size: disk.length, flags: nbd.TransmissionFlag.HAS_FLAGS, blockSize };
const find = (name: string) => (name === '' || name === one.name ? one : undefined);
const host = { list: () => [one], find, shuttingDown: () => false };

function answer(replies: nbd.ReplyBytes, to: nbd.RequestHeader, payload: Uint8Array | undefined) {
  const { command, flags, offset, length } = to;
  const read = command === READ && flags === 0 && length > 0 && length <= PAYLOAD_MAX;
  const write = command === WRITE && payload?.length === length;
  const wrong = (!read && !write) || nbd.endsBeyond(to, 0, disk.length);
  if (wrong) return replies.error(to, nbd.NbdError.EINVAL);
  if (write) disk.set(payload, offset);
  return write ? replies.done(to) : replies.data(to, disk.subarray(offset, offset + length));
}

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
      const replies = new nbd.ReplyBytes(progress.agreed.replyForm);
      const request: nbd.RequestHandler['request'] = (to, payload) =>
        to.command === DISC ? socket.end() : socket.write(answer(replies, to, payload));
      decoder = new nbd.RequestDecoder(progress.agreed.extendedHeaders, PAYLOAD_MAX, { request });
    }
    if (decoder.receive(bytes, at, bytes.length) !== undefined) socket.destroy();
  });
});

if (process.argv[2] !== undefined) server.listen(Number(process.argv[2]));
