/** An NBD client: reads 512 bytes of an export of any server. `where` is what `net.connect` takes. */

import net from 'node:net';
import { ClientConnection } from 'nbd-server-protocol-ts';

export async function readSector(where: net.NetConnectOpts, exportName = '', offset = 0) {
  const socket = net.connect(where);
  const nbd = new ClientConnection({
    exportName,
    send: (bytes) => socket.write(bytes),
    close: () => socket.end(),
  });
  socket.on('data', (bytes) => nbd.receive(bytes));
  socket.on('error', (error) => nbd.abort(error));
  socket.on('close', () => nbd.abort());
  const data = await nbd.read(offset, 512); // waits for the handshake
  await nbd.disconnect();
  return data;
}
