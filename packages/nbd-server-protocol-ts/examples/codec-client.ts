/** The same client with the codec alone. `where` is what `net.connect` takes. */

import net from 'node:net';
import * as nbd from 'nbd-server-protocol-ts';

export async function readSector(where: net.NetConnectOpts, exportName = '', offset = 0) {
  const data = Buffer.alloc(512);
  const read = Object.assign(new nbd.RequestHeader(), { offset, length: data.length });
  const socket = net.connect(where);
  const handshake = new nbd.ClientHandshake({ exportName });
  let decoder: nbd.ReplyDecoder | undefined;
  for await (const bytes of socket) {
    let at = 0;
    if (decoder === undefined) {
      const progress = handshake.receive(bytes, 0, bytes.length);
      at = progress.consumed;
      socket.write(progress.output);
      if (progress.state === 'failed') throw new Error(progress.reason);
      if (progress.state !== 'transmission') continue;
      const { replyForm, extendedHeaders } = progress.agreed;
      decoder = new nbd.ReplyDecoder(replyForm, {
        find: () => read,
        data: (_, delta, part, start, end) => data.set(part.subarray(start, end), delta),
        error: (_, error, text) => socket.destroy(new Error(`${nbd.nbdErrorName(error)} ${text}`)),
        done: () => socket.end(nbd.disconnectBytes(extendedHeaders)),
      });
      socket.write(nbd.requestBytes(read, extendedHeaders));
    }
    const wrong = decoder.receive(bytes, at, bytes.length);
    if (wrong !== undefined) throw new Error(wrong);
  }
  return data;
}
