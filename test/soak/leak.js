/** Preloaded by `npm run soak -- --canary`: a daemon that keeps 64 KiB of every connection. */

import { Server } from 'node:net';

const KEPT_BYTES = 64 * 1024;
const kept = [];
const { emit } = Server.prototype;

Server.prototype.emit = function (event, ...rest) {
  if (event === 'connection') kept.push(Buffer.alloc(KEPT_BYTES, 1));
  return emit.call(this, event, ...rest);
};
