// How fast images are told: `npm run build && node scripts/crash-speed.js`. No checks, and no files: a journal in memory.
// Prints a line for each case; docs/crash.md has some figures.
import { imageParts } from '../dist/crash/image-bytes.js';
import { idText } from '../dist/crash/image-id.js';
import { LogBuilder } from '../dist/crash/log.js';
import { crashSite, models } from '../dist/crash/models.js';
import { Kind } from '../dist/journal/format.js';

const IMAGES = 1_000_000;
const header = {
  ...{ size: 1 << 30, block: 4096, cache: true, fua: true, atomic: 4096 },
  ...{ multiConnection: false, seed: 1, name: '' },
};
const nothing = {
  ...{ kind: Kind.arrived, command: 1, flags: 0, client: 1, id: 0n, sector: 0, sectors: 0 },
  ...{ errno: 0, ns: 0n, payload: new Uint8Array(0) },
};

/** So many writes of `blocks` blocks over `span` blocks, each answered, and a flush after every `epoch`. */
function journal(writes, { blocks = 1, span = 20_000, epoch = Number.POSITIVE_INFINITY }) {
  const builder = new LogBuilder();
  for (let n = 0; n < writes; n++) {
    const payload = new Uint8Array(blocks * 4096);
    new Int32Array(payload.buffer).fill(n + 1);
    const place = { sector: ((n * blocks) % span) * 8, sectors: blocks * 8, payload };
    builder.add({ ...nothing, ...place });
    builder.add({ ...nothing, kind: Kind.answered });
    if (n % epoch !== epoch - 1) continue;
    builder.add({ ...nothing, command: 2 });
    builder.add({ ...nothing, kind: Kind.answered });
  }
  return builder.finish(header);
}

/** @returns milliseconds. */
function time(work) {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

function rate(name, count, work) {
  const ms = time(work);
  console.log(`${name.padEnd(56)} ${Math.round((count / ms) * 1000)} a second`);
}

for (const model of ['whole', 'torn', 'garbage']) {
  const { timeline, space } = crashSite(journal(1000, {}), model);
  rate(`${model}: list images of 1000 blocks in flight`, IMAGES, () => {
    let left = IMAGES;
    for (const _ of space.images()) if (--left === 0) break;
  });
  rate(`${model}: and their ids`, IMAGES, () => {
    let left = IMAGES;
    for (const image of space.images()) {
      idText({ model, ...image });
      if (--left === 0) break;
    }
  });
  const few = 2000;
  rate(`${model}: bytes of an image by its rank`, few, () => {
    const legal = space.legal()[0] ?? 1n;
    for (let n = 0; n < few; n++) {
      const contents = space.contents({ instant: 0, rank: (legal * BigInt(n)) / BigInt(few) });
      for (const _ of imageParts(timeline, contents));
    }
  });
}
for (const [name, log] of [
  ['50,000 writes of 1 block, a flush after 100', journal(50_000, { epoch: 100 })],
  ['5000 writes of 8 blocks, a flush after 10', journal(5000, { blocks: 8, epoch: 10 })],
]) {
  for (const model of models) {
    let distinct = 0n;
    const ms = time(() => {
      distinct = crashSite(log, model).space.distinct();
    });
    const digits = String(distinct).length;
    console.log(`${name}: ${model.padEnd(8)} counted in ${Math.round(ms)} ms (${digits} digits)`);
  }
}
