/** A program that uses a device, for --run, sweeps and checks: `node nbd-io.js SOCKET write:0:4096 flush ...` does one
 *  command after the other, says each error, and ends with their number. `write:0:512:97` writes that byte;
 *  `show:0:4096` says the first byte of each sector as a letter, `.` for 0. Plain NBD, fixed newstyle. */

import { once } from 'node:events';
import net from 'node:net';

const [path = '', ...commands] = process.argv.slice(2);
const NUMBERS = { read: 0, show: 0, write: 1, flush: 3, trim: 4 };
const socket = net.connect({ path });
let arrived = Buffer.alloc(0);

async function take(length) {
  while (arrived.length < length) {
    const [part] = await once(socket, 'data');
    arrived = Buffer.concat([arrived, part]);
  }
  const taken = arrived.subarray(0, length);
  arrived = arrived.subarray(length);
  return taken;
}

function lettersOf(data) {
  let text = '';
  for (let at = 0; at < data.length; at += 512) {
    text += data[at] === 0 ? '.' : String.fromCharCode(data[at]);
  }
  return text;
}

function bytes(...parts) {
  return Buffer.concat(
    parts.map(([width, value]) => {
      const part = Buffer.alloc(width);
      for (let at = width - 1, rest = BigInt(value); at >= 0; at--, rest >>= 8n) {
        part[at] = Number(rest & 255n);
      }
      return part;
    }),
  );
}

await take(18);
// Fixed newstyle without zeroes; then NBD_OPT_EXPORT_NAME of the default export.
socket.write(bytes([4, 3], [8, 0x49484156454f5054n], [4, 1], [4, 0]));
await take(10);
let failed = 0;
for (const [cookie, command] of commands.entries()) {
  const [name, offset = 0, length = 0, value = 7] = command.split(':');
  const head = bytes(
    ...[
      [4, 0x25609513],
      [2, 0],
      [2, NUMBERS[name]],
      [8, cookie],
      [8, offset],
      [4, length],
    ],
  );
  socket.write(
    name === 'write' ? Buffer.concat([head, Buffer.alloc(Number(length), Number(value))]) : head,
  );
  const error = (await take(16)).readUInt32BE(4);
  if (NUMBERS[name] === 0 && error === 0) {
    const data = await take(Number(length));
    if (name === 'show') console.log(lettersOf(data));
  }
  if (error === 0) continue;
  failed++;
  console.log(`${command}: error ${error}`);
}
socket.end();
process.exit(failed);
