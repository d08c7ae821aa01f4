/** Runs in a thread of its own: reads and writes blocks of a shared device for as long as it is told to,
 *  looks whether each block is of one writer, and notes what it has done. */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ThreadLog } from '../../dist/direct/log-rings.js';
import { ThreadDevice } from '../../dist/direct/thread-device.js';

const BLOCK = 4096;
const { memory, logMemory, capacity, thread, threads, control, seed } = workerData;
const words = new Int32Array(control);
const arenas = [];
const host = {
  arena(id) {
    while (arenas[id] === undefined) {
      const { message } = receiveMessageOnPort(parentPort);
      arenas[message.id] = new Uint8Array(message.memory);
    }
    return arenas[id];
  },
  log: () => new ThreadLog(logMemory, thread, () => Atomics.add(words, 5, 1)),
};
const device = new ThreadDevice(memory, thread, threads, host);
/** Commands that were noted: each has its number as its place. */
let noted = 0;

let state = seed;
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const blocks = capacity / BLOCK;
const buffer = new Uint8Array(3 * BLOCK + 20);
let wrong = '';
parentPort.postMessage('ready');
while (Atomics.load(words, 0) === 0 && wrong === '') {
  if (!device.enter()) {
    Atomics.wait(words, 0, 0, 0.05);
    continue;
  }
  const { log } = device;
  log.begin(performance.now() * 1e6);
  for (let n = 0; n < 20 && wrong === ''; n++) {
    if (n % 7 === 0) log.publish(performance.now() * 1e6);
    const at = random(blocks - 3);
    if (random(2) === 0) {
      buffer.fill(1 + random(255));
      const done = device.write(at * BLOCK, BLOCK, buffer, random(20));
      Atomics.add(words, done ? 1 : 2, 1);
      if (done && log.hasRoom()) log.note(1, noted++, BLOCK, thread + 1);
    } else {
      const start = random(20);
      if (!device.read(at * BLOCK, 3 * BLOCK, buffer, start)) {
        Atomics.add(words, 4, 1);
        continue;
      }
      for (let block = 0; block < 3; block++) {
        const of = buffer.subarray(start + block * BLOCK, start + (block + 1) * BLOCK);
        const mixed = Buffer.compare(of.subarray(1), of.subarray(0, -1)) !== 0;
        if (mixed) wrong = `block ${at + block} is of two writers`;
      }
      Atomics.add(words, 3, 1);
    }
  }
  log.publish(performance.now() * 1e6);
  device.leave();
}
Atomics.add(words, 6, noted);
parentPort.postMessage(wrong);
