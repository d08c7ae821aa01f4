/** Clients of a soak: each has a part of a device, comes and goes in every way, and finds its data as
 *  it left it. */

import { spawn } from 'node:child_process';
import type { Tnull } from '../fuzz/daemon.ts';
import { pause } from '../fuzz/daemon.ts';
import { Gone, HonestClient, type Shadow } from '../fuzz/honest.ts';
import { Closed } from '../fuzz/peer.ts';
import { Random } from '../fuzz/random.ts';

export interface Figures {
  connections: number;
  operations: number;
  bytes: number;
  /** Of single requests, in ms; by device. */
  readonly slowest: Map<string, number>;
  goodbyes: number;
  resets: number;
  halves: number;
  stalls: number;
  interrupted: number;
  foreign: number;
}

export interface World {
  readonly tnull: Tnull;
  readonly seed: string;
  readonly figures: Figures;
  /** Clients that are connected now. */
  readonly busy: Set<HonestClient>;
  stopping: boolean;
}

const READS_WHILE_STALLED = 64;

/** Connects, works, leaves, and comes again until it is told to stop. */
export async function beClient(
  world: World,
  device: string,
  number: number,
  shadow: Shadow,
  mayBeGone: boolean,
): Promise<void> {
  const random = new Random(`${world.seed}/${device}/${number}`);
  while (!world.stopping) {
    let client: HonestClient | undefined;
    try {
      client = await HonestClient.open(world.tnull.socket, random, device, shadow, 60_000);
      world.busy.add(client);
      world.figures.connections++;
      await client.verifyAll();
      await stay(world, client, random);
      await leave(world, client, random, shadow);
    } catch (error) {
      const gone = error instanceof Gone || error instanceof Closed;
      if (!gone || !mayBeGone) throw new Error(`${device} ${number}: ${String(error)}`);
      world.figures.interrupted++;
      await pause(100);
    } finally {
      client?.destroy();
      if (client !== undefined) account(world, client, device);
    }
    await pause(random.below(40));
  }
}

function account(world: World, client: HonestClient, device: string): void {
  const { figures } = world;
  world.busy.delete(client);
  figures.operations += client.operations;
  figures.bytes += client.bytes;
  figures.slowest.set(device, Math.max(figures.slowest.get(device) ?? 0, client.slowestMs));
}

async function stay(world: World, client: HonestClient, random: Random): Promise<void> {
  for (let left = random.skewed(400); left > 0 && !world.stopping; left--) {
    await client.step();
    await pause(random.below(60));
  }
}

async function leave(
  world: World,
  client: HonestClient,
  random: Random,
  shadow: Shadow,
): Promise<void> {
  const { figures } = world;
  const how = random.below(8);
  if (how === 0 && !shadow.zoned) {
    figures.stalls++;
    await client.stall(READS_WHILE_STALLED, () => pause(random.below(3000)));
  }
  if (how === 1) {
    figures.halves++;
    await client.leaveHalfWay();
  } else if (how < 4) {
    figures.resets++;
    client.destroy();
  } else {
    figures.goodbyes++;
    await client.close();
  }
}

const programs: readonly (readonly [string, string])[] = [
  [
    'nbdcopy',
    'head -c 8388608 /dev/urandom >"$folder/a" && nbdcopy "$folder/a" "$uri" && ' +
      'nbdcopy "$uri" "$folder/b" && cmp -n 8388608 "$folder/a" "$folder/b"',
  ],
  [
    'qemu-io',
    "qemu-io -f raw -c 'write -P 7 64M 4M' -c 'aio_write -P 8 68M 1M' -c aio_flush " +
      "-c 'discard 65M 1M' -c 'write -z 66M 1M' -c 'read -P 7 64M 1M' -c 'read -P 0 66M 1M' " +
      "-c 'read -P 8 68M 1M' \"$uri\" | (! grep -i 'failed\\|error')",
  ],
  [
    'fio',
    'fio --name=t --ioengine=nbd --uri="$uri" --rw=randwrite --bsrange=512-64k --iodepth=16 ' +
      '--offset=128M --size=8M --numjobs=2 --offset_increment=16M --verify=crc32c --verify_fatal=1',
  ],
];

/** Foreign programs, one after the other, as far as they are installed. */
export async function beForeign(world: World, device: string, folder: string): Promise<void> {
  for (let at = 0; !world.stopping; at++) {
    const [name, command] = programs[at % programs.length] ?? ['', 'true'];
    const uri = `nbd+unix:///${device}?socket=${world.tnull.socket}`;
    const script = `command -v ${name} >/dev/null || exit 0\nset -o pipefail\n${command}`;
    const said = await shell(script, { ...process.env, uri, folder });
    if (said !== undefined) throw new Error(`${name}: ${said}`);
    world.figures.foreign++;
    await pause(100);
  }
}

/** @returns undefined when it went well, else its words. */
function shell(script: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (data) => (said += data));
    child.stderr.on('data', (data) => (said += data));
    child.once('close', (code) =>
      resolve(code === 0 ? undefined : `${code}: ${said.slice(-2000)}`),
    );
  });
}
