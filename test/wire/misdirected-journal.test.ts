/** What the journal says of writes that a rule misdirects. crash.md section 3; docs/journal.md, Records. */

import { CommandFlag, Command as NbdCommand } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { Beyond } from '../../src/crash/beyond.ts';
import { crashSite } from '../../src/crash/models.ts';
import { ProductSpace } from '../../src/crash/product-space.ts';
import { vectorOf } from '../../src/crash/shrinking.ts';
import { Flag, Kind, LIED } from '../../src/journal/format.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { dice } from '../crash/random-log.ts';
import { testRuns } from '../test-runs.ts';
import { read } from './read-journal.ts';
import { serveWith } from './served.ts';
import { WireClient } from './wire-client.ts';

describe('a misdirected write', () => {
  const words = ['size=1', 'memory_backed=1', 'cache_size=1', 'journal=1', 'bs=512'];

  test('is written down where it went, too: images with it are beyond the contract', async () => {
    const faults = parsePlan({ seed: '1', rules: [{ op: 'write', misdirect: '+64', nth: '2' }] });
    const { path, daemon } = await serveWith({ faults }, ...words);
    const client = await WireClient.simple(path);
    const write = { command: NbdCommand.WRITE, length: 512 };
    expect((await client.request(write, Buffer.alloc(512, 'a'))).error).toBe(0);
    const fua = { ...write, flags: CommandFlag.FUA };
    expect((await client.request(fua, Buffer.alloc(512, 'b'))).error).toBe(0);
    expect((await client.request({ command: NbdCommand.FLUSH })).error).toBe(0);
    const { log, records } = read(daemon);
    const told = records.filter(({ kind }) => kind === Kind.arrived || kind === Kind.answered);
    const { arrived, answered } = Kind;
    expect(told.map(({ kind, client: of, flags, sector }) => [kind, of, flags, sector])).toEqual([
      [arrived, 1, 0, 0],
      [answered, 1, 0, 0],
      [arrived, 1, Flag.fua, 0],
      [arrived, 0, Flag.fua | Flag.astray, 64],
      [answered, 0, 0, 0],
      [answered, 1, LIED, 0],
      [arrived, 1, 0, 0],
      [answered, 1, 0, 0],
    ]);
    expect(told[3]?.payload).toEqual(new Uint8Array(512).fill(98));
    const site = crashSite(log, 'torn');
    // At the end the second place has it for sure, and the first one may have it or not.
    expect(site.space.legal().at(-1)).toBe(2n);
    const beyond = new Beyond(site, 'torn');
    const last = log.instants.length - 1;
    for (const rank of [0n, 1n]) {
      const contents = site.space.contents({ instant: last, rank });
      expect(contents && beyond.has(last, contents)).toBe(true);
    }
    const first = site.space.contents({ instant: 0, rank: 0n });
    expect(first && beyond.has(0, first)).toBe(false);
  });

  test('what the device holds is always legal', async () => {
    const rules = [{ op: 'write', misdirect: '+9', probability: '40' }];
    for (let seed = 1; seed <= testRuns(6); seed++) {
      const faults = parsePlan({ seed: `${seed}`, rules });
      const { path, daemon } = await serveWith({ faults }, ...words);
      const client = await WireClient.simple(path);
      const roll = dice(seed);
      let strayed = 0;
      for (let n = 0; n < 40; n++) {
        const [sector, sectors] = [Math.floor(roll() * 12), 1 + Math.floor(roll() * 3)];
        const flags = roll() < 0.2 ? CommandFlag.FUA : 0;
        const fields = { offset: sector * 512, length: sectors * 512, flags };
        const data = Buffer.alloc(sectors * 512, n + 1);
        const write = { command: NbdCommand.WRITE, ...fields };
        expect((await client.request(write, data)).error).toBe(0);
        if (roll() < 0.2) await client.request({ command: NbdCommand.FLUSH });
        const { log } = read(daemon);
        const { timeline, space } = crashSite(log, 'torn');
        const now = await client.readData(0, 30 * 512);
        const { cells } = timeline;
        const contents = Int32Array.from(cells.place, (place) => {
          return cells.contents.number(now.subarray(place * 512, (place + 1) * 512));
        });
        const last = log.instants.length - 1;
        expect(space instanceof ProductSpace).toBe(true);
        if (!(space instanceof ProductSpace)) return;
        expect(space.at(last).rank(vectorOf(timeline, contents))).toBeDefined();
        if (log.commands.some(({ isAstray }) => isAstray)) strayed++;
      }
      expect(strayed).toBeGreaterThan(0);
    }
  });

  test('without room in the journal it fails: journal_full=fail', async () => {
    const faults = parsePlan({ seed: '1', rules: [{ op: 'write', misdirect: '+1024' }] });
    const full = [...words, 'journal_max=1', 'journal_full=fail'];
    const { path, daemon } = await serveWith({ faults }, ...full);
    const client = await WireClient.simple(path);
    const write = { command: NbdCommand.WRITE, length: 512 * 1020 };
    // The write itself has room, what is misdirected of the next one has not.
    expect((await client.request({ ...write, length: 512 }, Buffer.alloc(512, 1))).error).toBe(0);
    expect((await client.request(write, Buffer.alloc(write.length, 2))).error).toBe(0);
    const half = { ...write, length: 512 * 4 };
    expect((await client.request(half, Buffer.alloc(half.length, 3))).error).toBe(28);
    const { log } = read(daemon);
    expect((await client.readData(1024 * 512, 512))[0]).toBe(2);
    expect(log.commands.filter(({ isAstray }) => isAstray)).toHaveLength(2);
  });
});
