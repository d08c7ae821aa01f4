/** An NBD client: reads some bytes of an export of any server. */

import net from 'node:net';
import * as nbd from 'nbd-server-protocol-ts';

/** @param where what `net.connect` takes. */
export async function readBytes(
  where: net.NetConnectOpts,
  { exportName = '', offset = 0, length = 512 },
): Promise<Buffer> {
  const data = Buffer.alloc(length);
  const socket = net.connect(where);
  const handshake = new nbd.ClientHandshake({ exportName });
  let encode = nbd.encodeRequest;
  let decoder: nbd.ReplyDecoder | undefined;
  let wrong: string | undefined;
  const header = new nbd.RequestHeader();
  const request = (command: number, at: number, bytes: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(nbd.EXTENDED_REQUEST_BYTES));
    Object.assign(header, { command, offset: at, length: bytes });
    return new Uint8Array(view.buffer, 0, encode(view, 0, header));
  };
  const handler: nbd.ReplyHandler = {
    find: () => header,
    data: (_, delta, bytes, start, end) => data.set(bytes.subarray(start, end), delta),
    hole: (_, delta, bytes) => data.fill(0, delta, delta + bytes),
    extent: () => {},
    error: (_, error, text) => {
      wrong = `${nbd.nbdErrorName(error)} ${text}`;
    },
    done: () => socket.end(request(nbd.Command.DISC, 0, 0)),
  };
  for await (const bytes of socket) {
    let at = 0;
    if (decoder === undefined) {
      const progress = handshake.receive(bytes, 0, bytes.length);
      at = progress.consumed;
      socket.write(progress.output);
      if (progress.state === 'failed') throw new Error(progress.reason);
      if (progress.state !== 'transmission') continue;
      decoder = new nbd.ReplyDecoder(progress.agreed.replyForm, handler);
      if (progress.agreed.extendedHeaders) encode = nbd.encodeExtendedRequest;
      socket.write(request(nbd.Command.READ, offset, length));
    }
    wrong = decoder.receive(bytes, at, bytes.length) ?? wrong;
    if (wrong !== undefined) throw new Error(wrong);
  }
  return data;
}
