/** attach and detach decide on a machine of the tests' own; test/kernel/attach-command.sh has a real kernel.
 *  Source: docs/running.md, A kernel device. */

import { describe, expect, test } from 'vitest';
import { type Attached, attach, type Wanted } from '../../src/cli/attach/attach.ts';
import { attachedNode, detach } from '../../src/cli/attach/detach.ts';
import { type Patience, thisMachine } from '../../src/cli/attach/machine.ts';
import { nodeOf } from '../../src/cli/attach/nodes.ts';
import { clientText } from '../../src/cli/attach/programs.ts';
import { serves, wayTo } from '../../src/cli/attach/way.ts';
import { until } from '../until.ts';
import { NbdMachine } from './nbd-machine.ts';

const URIS = ['nbd://127.0.0.1:10809/a', 'nbd+unix:///a?socket=/run/s'];
const WORDS = ['nbd-client', '-unix', '/run/s', '/dev/nbd1', '-N', 'a', '-b', '4096', '-nonetlink'];

const isThere = (): boolean => true;

function wanted(more: Partial<Wanted> = {}): Wanted {
  const way = wayTo('a', URIS, isThere);
  return {
    ...{ name: 'a', way, uris: URIS, blockBytes: 4096, connections: 1, node: undefined },
    ...more,
  };
}

function patience(machine: NbdMachine, ended = new AbortController().signal): Patience {
  return { until: machine.now() + 30_000, seconds: 30, ended };
}

function attached(machine: NbdMachine, more?: Partial<Wanted>): Promise<Attached> {
  return attach(machine, wanted(more), patience(machine));
}

function detached(machine: NbdMachine, node: string, force = false): Promise<void> {
  return detach(machine, node, force, patience(machine));
}

const MOUNT = (device: string, source: string, place: string): string =>
  `30 1 ${device} / ${place} rw,relatime shared:1 - ext4 ${source} rw`;

describe('attach', () => {
  test('takes the first free device, by number, and has its partition table read', async () => {
    const machine = new NbdMachine(12);
    machine.partitionsOnDisk = ['2', '10', '1'];
    machine.serve('nbd0', ['qemu-nbd', '-c', '/dev/nbd0']);
    expect(await attached(machine)).toEqual({
      node: '/dev/nbd1',
      partitions: ['/dev/nbd1p1', '/dev/nbd1p2', '/dev/nbd1p10'],
      nodeless: [],
    });
    expect(machine.ran).toEqual([WORDS.join(' '), 'blockdev --rereadpt /dev/nbd1']);
    expect(machine.locks).toBe(1);
  });

  test('several connections are asked for, one is not', async () => {
    const machine = new NbdMachine(1);
    await attached(machine, { connections: 4 });
    expect(machine.ran[0]).toBe('nbd-client -unix /run/s /dev/nbd0 -N a -b 4096 -C 4 -nonetlink');
  });

  test('waits until the kernel has the size', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('nbd-client', (words) => {
      machine.serve('nbd0', ['nbd-client', ...words]);
      Object.assign(machine.disk('nbd0'), { served: false, size: 0 });
      machine.later.push({
        at: 2000,
        work: () => Object.assign(machine.disk('nbd0'), { served: true }),
      });
      machine.later.push({
        at: 3000,
        work: () => Object.assign(machine.disk('nbd0'), { size: 8 }),
      });
      return {};
    });
    await attached(machine);
    expect(machine.now()).toBe(3000);
  });

  test('a device that gets no size is disconnected', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('nbd-client', (words) => {
      if (words[0] === '-d') return undefined;
      machine.serve('nbd0', ['nbd-client', ...words]);
      machine.disk('nbd0').size = 0;
      return {};
    });
    await expect(attached(machine)).rejects.toThrow('/dev/nbd0 has no size (within 30 s)');
    expect(machine.ran.at(-1)).toBe('nbd-client -d /dev/nbd0');
    expect(machine.disk('nbd0').served).toBe(false);
  });

  test('an nbd-client that ends behind its success is a failure, and is seen at once', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('nbd-client', () => ({}));
    await expect(attached(machine)).rejects.toThrow('/dev/nbd0: the connection ended at once');
    expect(machine.now()).toBe(0);
  });

  test('where another program was faster, the next device is taken', async () => {
    const machine = new NbdMachine(2);
    machine.before.set('nbd-client', (words) => {
      if (words[2] !== '/dev/nbd0') return undefined;
      machine.serve('nbd0', ['qemu-nbd', '-c', '/dev/nbd0']);
      return { status: 1, output: 'Error: Ioctl NBD_SET_SOCK failed: Device or resource busy\n' };
    });
    expect((await attached(machine)).node).toBe('/dev/nbd1');
    const named = new NbdMachine(2);
    named.before.set('nbd-client', () => {
      named.disk('nbd0').served = true;
      return { status: 1 };
    });
    await expect(attached(named, { node: '/dev/nbd0' })).rejects.toThrow(
      '/dev/nbd0 was taken by another program',
    );
  });

  test('two at once: one looks at a time', async () => {
    const machine = new NbdMachine(2);
    const other = wanted({ name: 'b', uris: ['nbd+unix:///b?socket=/run/s'] });
    const both = await Promise.all([attached(machine), attach(machine, other, patience(machine))]);
    expect(both.map(({ node }) => node)).toEqual(['/dev/nbd0', '/dev/nbd1']);
    expect(machine.locks).toBe(2);
    await machine.lock();
    await expect(attached(machine)).rejects.toThrow('another attach is under way');
  });

  test('an nbd-client without netlink does not know the word', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('nbd-client', (words) =>
      words.includes('-nonetlink')
        ? { status: 1, output: "nbd-client: unrecognized option '-nonetlink'\n" }
        : undefined,
    );
    expect((await attached(machine)).node).toBe('/dev/nbd0');
  });

  test('partitions that /dev does not have are named, after a while', async () => {
    const machine = new NbdMachine(1);
    machine.partitionsOnDisk = ['1'];
    machine.refusals.set('/dev/nbd0p1', 'ENOENT');
    expect((await attached(machine)).nodeless).toEqual(['/dev/nbd0p1']);
    await detached(machine, '/dev/nbd0');
    machine.later.push({ at: machine.now() + 100, work: () => machine.refusals.clear() });
    expect((await attached(machine)).nodeless).toEqual([]);
  });

  test('a partition table is read again while others look at the device', async () => {
    const machine = new NbdMachine(1);
    let tries = 0;
    machine.before.set('blockdev', () =>
      ++tries < 4
        ? { status: 1, output: 'blockdev: BLKRRPART: Device or resource busy\n' }
        : undefined,
    );
    await attached(machine);
    expect(tries).toBe(4);
  });

  test.each([
    { title: 'a driver without partitions', output: 'BLKRRPART: Invalid argument', uses: false },
    { title: 'an automounter was faster', output: 'Device or resource busy', uses: true },
  ])('$title', async ({ output, uses }) => {
    const machine = new NbdMachine(1);
    machine.before.set('blockdev', () => ({ status: 1, output }));
    if (uses)
      machine.processes.set(5, { words: ['x'], mounts: [MOUNT('43:0', '/dev/nbd0', '/m')] });
    expect((await attached(machine)).node).toBe('/dev/nbd0');
    expect(machine.now()).toBe(0);
  });

  test('a table that is not read in time, and a connection that breaks meanwhile: all is taken back', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('blockdev', () => ({ status: 'late' }));
    await expect(attached(machine)).rejects.toThrow(
      '/dev/nbd0: its partition table was not read: a disk that is slow on purpose needs a longer --timeout (within 30 s)',
    );
    expect(machine.disk('nbd0')).toMatchObject({ served: false, size: 0 });
    machine.before.set('blockdev', () => {
      machine.end('nbd0');
      return { status: 1, output: 'Input/output error' };
    });
    await expect(attached(machine)).rejects.toThrow(
      '/dev/nbd0: the connection ended while its partition table was read',
    );
  });

  test('an nbd-client that connects although it was given up is disconnected', async () => {
    const machine = new NbdMachine(1);
    machine.before.set('nbd-client', (words) => {
      if (words[0] === '-d') return undefined;
      machine.serve('nbd0', ['nbd-client', ...words]);
      Object.assign(machine.disk('nbd0'), { served: false, size: 0 });
      const connects = { served: true, size: 8 };
      machine.later.push({ at: 500, work: () => Object.assign(machine.disk('nbd0'), connects) });
      return { status: 'late' };
    });
    await expect(attached(machine)).rejects.toThrow('the server did not answer (within 30 s)');
    expect(machine.disk('nbd0')).toMatchObject({ served: false, size: 0 });
    expect(machine.later).toEqual([]);
  });

  test('a signal takes all back', async () => {
    const machine = new NbdMachine(1);
    const signal = new AbortController();
    machine.before.set('blockdev', () => {
      signal.abort();
      return { status: 'late' };
    });
    await expect(attach(machine, wanted(), patience(machine, signal.signal))).rejects.toThrow(
      'stopped by a signal',
    );
    expect(machine.disk('nbd0').served).toBe(false);
  });

  test('mistakes are one line each', async () => {
    const none = new NbdMachine(0);
    await expect(attached(none)).rejects.toThrow(
      'there is no /dev/nbd0: load the driver as root with: modprobe nbd',
    );
    none.refusals.set('/sys/block', 'ENOENT');
    await expect(attached(none)).rejects.toThrow('there is no /sys/block here');
    const machine = new NbdMachine(2);
    await expect(attached(machine, { node: '/dev/nbd2' })).rejects.toThrow(
      'there is no /dev/nbd2: the driver has /dev/nbd0 to /dev/nbd1 (more: modprobe nbd nbds_max=N)',
    );
    machine.refusals.set('/dev/nbd0', 'EACCES');
    await expect(attached(machine)).rejects.toThrow(
      '/dev/nbd0: EACCES: attaching takes root (sudo)',
    );
    machine.refusals.set('/dev/nbd0', 'ENOENT').set('/dev/nbd1', 'ENOENT');
    await expect(attached(machine)).rejects.toThrow(
      'the kernel has /dev/nbd0, but it is not in /dev here (a container needs --device /dev/nbd0)',
    );
    machine.refusals.clear();
    machine.before.set('nbd-client', () => ({ status: 'missing' }));
    await expect(attached(machine)).rejects.toThrow(
      'nbd-client is not installed (Debian: apt-get install nbd-client)',
    );
    machine.before.set('nbd-client', () => ({ status: 'late' }));
    await expect(attached(machine)).rejects.toThrow(
      'nbd+unix:///a?socket=/run/s: the server did not answer (within 30 s)',
    );
    machine.before.set('nbd-client', () => ({
      status: 1,
      output: 'Negotiation: ..Error: Server said: too many clients\nExiting.\n',
    }));
    await expect(attached(machine)).rejects.toThrow(
      '/dev/nbd0: nbd-client: Server said: too many clients',
    );
    machine.before.set('nbd-client', () => undefined);
    machine.before.set('blockdev', () => ({ status: 'missing' }));
    await expect(attached(machine)).rejects.toThrow(
      'blockdev is not installed (Debian: apt-get install util-linux)',
    );
  });

  test('what is taken says by whom', async () => {
    const machine = new NbdMachine(2);
    await attached(machine);
    await expect(attached(machine)).rejects.toThrow('a is already attached at /dev/nbd0');
    const b = { name: 'b', uris: ['nbd+unix:///b?socket=/run/s'] };
    await expect(attached(machine, { ...b, node: '/dev/nbd0' })).rejects.toThrow(
      '/dev/nbd0 is already attached, by: nbd-client -unix /run/s /dev/nbd0 -N a -b 4096',
    );
    // With netlink no process stays.
    Object.assign(machine.disk('nbd1'), { served: true, size: 8 });
    await expect(attached(machine, { ...b, node: '/dev/nbd1' })).rejects.toThrow(
      '/dev/nbd1 is already attached',
    );
    await expect(attached(machine, b)).rejects.toThrow(
      'no free device: all 2 of /dev/nbd0 to /dev/nbd1 are in use',
    );
    // A daemon that died, while its file system is still mounted.
    machine.processes.set(5, { words: ['x'], mounts: [MOUNT('43:0', '/dev/nbd0', '/m')] });
    machine.end('nbd0');
    await expect(attached(machine, { ...b, node: '/dev/nbd0' })).rejects.toThrow(
      '/dev/nbd0 is not free: it is mounted at /m by x (process 5)',
    );
  });
});

describe('detach', () => {
  test('finds the node of a device of this daemon, and waits until that is free', async () => {
    const machine = new NbdMachine(3);
    machine.serve('nbd0', ['nbd-client', '-unix', '/run/other', '/dev/nbd0', '-N', 'a']);
    machine.partitionsOnDisk = ['1'];
    await attached(machine);
    expect(attachedNode(machine, 'a', URIS)).toBe('/dev/nbd1');
    machine.before.set('nbd-client', () => {
      machine.later.push({ at: machine.now() + 5000, work: () => machine.end('nbd1') });
      return {};
    });
    await detached(machine, '/dev/nbd1');
    expect(machine.disk('nbd1')).toEqual({ served: false, size: 0, partitions: [] });
    expect(machine.disk('nbd0').served).toBe(true);
    expect(() => attachedNode(machine, 'a', URIS)).toThrow('a is not attached');
  });

  test.each([
    {
      title: 'mounted',
      file: MOUNT('43:0', '/dev/nbd0', '/my\\040disk'),
      use: 'mounted at /my disk',
    },
    { title: 'a partition is mounted', file: MOUNT('43:1', '/dev/x', '/m'), use: 'mounted at /m' },
    {
      title: 'one of several of btrfs',
      file: MOUNT('0:40', '/dev/nbd0p1', '/m'),
      use: 'mounted at /m',
    },
  ])('refused at once while it is used: $title', async ({ file, use }) => {
    const machine = new NbdMachine(1);
    machine.partitionsOnDisk = ['1'];
    await attached(machine);
    machine.processes.set(77, { words: ['node'], mounts: [MOUNT('8:1', '/dev/sda1', '/'), file] });
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow(
      `/dev/nbd0 is ${use}: end that first, or detach it all the same with --force`,
    );
    expect(machine.now()).toBe(0);
    // Then the requests fail, and the mount lasts.
    await expect(detached(machine, '/dev/nbd0', true)).rejects.toThrow(
      `/dev/nbd0 is disconnected, but not free yet: it is ${use}`,
    );
    expect(machine.ran.at(-1)).toBe('nbd-client -d /dev/nbd0');
  });

  test('swap and a volume on it', async () => {
    const machine = new NbdMachine(1);
    machine.partitionsOnDisk = ['1'];
    await attached(machine);
    machine.folders.set('/sys/block/nbd0/nbd0p1/holders', ['dm-3']);
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow('/dev/nbd0 is used by /dev/dm-3:');
    machine.folders.clear();
    machine.files.set('/proc/swaps', 'Filename Type\n/dev/nbd0p1\t\tpartition 1\n');
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow('/dev/nbd0 is used for swapping:');
  });

  test('a program that has it open gets some time', async () => {
    const machine = new NbdMachine(1);
    await attached(machine);
    const open = ['/dev/null', '/dev/nbd0'];
    machine.processes.set(9, { words: ['/usr/bin/dd', 'if=/dev/nbd0'], comm: 'dd', open });
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow(
      '/dev/nbd0 is open in dd (process 9): end that first',
    );
    machine.later.push({ at: machine.now() + 1000, work: () => machine.processes.delete(9) });
    await detached(machine, '/dev/nbd0');
    expect(machine.disk('nbd0').served).toBe(false);
  });

  test('mistakes are one line each', async () => {
    const machine = new NbdMachine(1);
    await expect(detached(machine, '/dev/nbd1')).rejects.toThrow('there is no /dev/nbd1');
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow('/dev/nbd0 is not attached');
    await attached(machine);
    machine.refusals.set('/dev/nbd0', 'EACCES');
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow('detaching takes root (sudo)');
    machine.refusals.clear();
    machine.before.set('nbd-client', () => ({ status: 'missing' }));
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow('nbd-client is not installed');
    machine.before.set('nbd-client', () => ({
      status: 1,
      output: 'Error: no ioctl: Operation not permitted',
    }));
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow(
      '/dev/nbd0: nbd-client: no ioctl: Operation not permitted (attaching takes root: sudo)',
    );
    machine.before.set('nbd-client', () => ({}));
    await expect(detached(machine, '/dev/nbd0')).rejects.toThrow(
      '/dev/nbd0 is disconnected, but not free yet (within 30 s)',
    );
  });
});

describe('the way to a device', () => {
  test.each([
    { uris: URIS, words: ['-unix', '/run/s'] },
    { uris: ['nbds+unix:///a?socket=/t', 'nbd+unix:///a?socket=/u'], words: ['-unix', '/u'] },
    { uris: ['nbds://h/a', 'nbd://0.0.0.0:10810/a'], words: ['127.0.0.1', '10810'] },
    { uris: ['nbd://[::]/a'], words: ['::1', '10809'] },
    { uris: ['nbd://[fe80::1]:7/a'], words: ['fe80::1', '7'] },
    { uris: ['nbd://localhost/a'], words: ['localhost', '10809'] },
  ])('$uris', ({ uris, words }) => {
    expect(wayTo('a', uris, isThere).words).toEqual(words);
  });

  test('none', () => {
    expect(() => wayTo('a', [])).toThrow('a: the daemon listens nowhere');
    expect(() => wayTo('a', ['nbds://127.0.0.1/a'])).toThrow('a: the daemon listens with TLS only');
    expect(() => wayTo('a', ['nbd+unix:///a?socket=/none/s'])).toThrow(
      'a: there is no socket /none/s here',
    );
    expect(wayTo('a', URIS, () => false).words).toEqual(['127.0.0.1', '10809']);
  });

  test.each([
    [true, 'nbd-client -unix /run/s /dev/nbd0 -N a'],
    [true, '/usr/sbin/nbd-client -name a -u /run/s /dev/nbd0'],
    [true, 'nbd-client 127.0.0.1 10809 /dev/nbd0 --name a'],
    [false, 'nbd-client -unix /run/s /dev/nbd0 -N b'],
    [false, 'nbd-client -unix /run/s2 /dev/nbd0 -N a'],
    [false, 'nbd-client 127.0.0.1 10810 /dev/nbd0 -N a'],
    [false, 'nbd-client -unix /run/s /dev/nbd0'],
  ])('%s: %s', (isOurs, command) => {
    expect(serves(command.split(' '), 'a', URIS)).toBe(isOurs);
  });
});

test.each([
  ['/dev/nbd0', '/dev/nbd0'],
  ['nbd15', '/dev/nbd15'],
  ['/dev/nbd01', undefined],
  ['/dev/nbd0p1', undefined],
  ['/dev/sda', undefined],
  ['nbd', undefined],
])('the node of %s is %s', (text, node) => {
  expect(nodeOf(text)).toBe(node);
});

test('what nbd-client says without a reason is a reason', () => {
  expect(clientText('Negotiation: ..size = 64MB\nbs=512, sz=67108864 bytes\n')).toBe(
    'nbd-client: it failed, and did not say why',
  );
});

describe('this machine', () => {
  const within = (ms: number, ended = new AbortController().signal): Patience => ({
    ...{ until: thisMachine.now() + ms, seconds: ms / 1000, ended },
  });

  test('programs end with their status, what they say, or not in time', async () => {
    const { run } = thisMachine;
    const minute = within(60_000);
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'], minute)).toEqual({
      status: 3,
      output: expect.stringMatching(/^(out\nerr|err\nout)\n$/),
    });
    expect((await run('tnull-has-no-such-program', [], minute)).status).toBe('missing');
    expect((await run('sleep', ['1000'], within(1))).status).toBe('late');
    const signal = new AbortController();
    const running = run('sleep', ['1000'], within(60_000, signal.signal));
    signal.abort();
    expect((await running).status).toBe('late');
  });

  test('reads what is there, and nothing where nothing is', () => {
    expect(thisMachine.list('/proc')).toContain(String(process.pid));
    expect(thisMachine.list('/none')).toEqual([]);
    expect(thisMachine.read('/none')).toBeUndefined();
    expect(thisMachine.link('/proc/self')).toBe(String(process.pid));
    expect(thisMachine.link('/none')).toBeUndefined();
    expect(thisMachine.refusal('/none')).toBe('ENOENT');
    expect(thisMachine.refusal('/dev/null')).toBeUndefined();
  });

  test('one attach at a time', async () => {
    // Other programs of this machine may attach just now.
    const locked = async (): Promise<(() => void) | undefined> => {
      let free: (() => void) | undefined;
      await until(async () => {
        free = await thisMachine.lock();
        return free !== undefined;
      });
      return free;
    };
    const free = await locked();
    expect(await thisMachine.lock()).toBeUndefined();
    free?.();
    (await locked())?.();
  });
});
