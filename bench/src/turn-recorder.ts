/** Loaded into a measured tnull by `node --import`: the longest turn of its event loop since the last
 *  question. Of the elapsed time and the processor time of the process the smaller one counts, so that a busy
 *  machine does not look like a long turn. */

import net from 'node:net';

let longestMs = 0;
let lastMs = performance.now();
let lastCpuMs = cpuMs();

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function look(): void {
  const [nowMs, nowCpuMs] = [performance.now(), cpuMs()];
  longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, nowCpuMs - lastCpuMs));
  [lastMs, lastCpuMs] = [nowMs, nowCpuMs];
  setImmediate(look).unref();
}

const path = new URL(import.meta.url).searchParams.get('socket');
if (path === null) throw new TypeError('no ?socket= behind the name of this module');
const server = net.createServer((socket) => {
  socket.end(String(longestMs));
  longestMs = 0;
});
server.listen(path).unref();
look();
