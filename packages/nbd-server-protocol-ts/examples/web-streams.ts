/** A server over web streams, as of Deno's or Bun's sockets: `writer.write` returns the promise that holds it up. */

import type { ReadableStream, WritableStream } from 'node:stream/web';
import { ServerConnection, type ServerExport, type ServerHandlers } from 'nbd-server-protocol-ts';

export async function serveStreams(
  readable: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  exports: readonly ServerExport[],
  handlers: ServerHandlers,
) {
  const writer = writable.getWriter();
  let room = Promise.resolve();
  let resume = () => {};
  const nbd = new ServerConnection({
    ...{ exports, ...handlers },
    send: (bytes) => writer.write(bytes),
    pause() {
      room = new Promise((resolve) => {
        resume = resolve;
      });
    },
    resume: () => resume(),
    close(error) {
      const closed = error === undefined ? writer.close() : writer.abort(error);
      closed.catch(() => {}); // the other side may have gone before
    },
  });
  // Handshakes have to end within 10 s.
  const timer = setTimeout(() => nbd.abort(new Error('no handshake')), 10_000);
  const agreed = () => clearTimeout(timer);
  nbd.ready.then(agreed, agreed);
  for await (const bytes of readable) {
    nbd.receive(bytes);
    await room;
  }
  nbd.abort();
}
