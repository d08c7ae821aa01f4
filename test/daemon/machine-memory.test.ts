/** What a machine, its cgroups and ulimit leave, from files as Linux has them. proc(5), cgroups(7). */

import { describe, expect, test } from 'vitest';
import { defaultLimit, limitsFor } from '../../src/daemon/data-memory.ts';
import { machineMemory } from '../../src/daemon/machine-memory.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TOTAL = 16 * GiB;
const NO_LIMIT_V1 = '9223372036854771712\n';

function memory(files: Readonly<Record<string, string>>) {
  return machineMemory({ read: (path) => files[path], total: TOTAL });
}

const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n';
const v1 =
  '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n' +
  '35 31 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n' +
  '36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n' +
  '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n';

describe('what there is', () => {
  test('without cgroups: the machine', () => {
    expect(memory({})).toEqual({
      bytes: TOTAL,
      of: "the machine's",
      addressBytes: Number.POSITIVE_INFINITY,
    });
  });

  test('v2: the least on the way up', () => {
    const files = {
      '/proc/self/cgroup': '0::/user.slice/app/tnull\n',
      '/proc/self/mountinfo': v2,
      '/sys/fs/cgroup/user.slice/memory.max': `${3 * GiB}\n`,
      '/sys/fs/cgroup/user.slice/app/memory.max': `${1 * GiB}\n`,
      '/sys/fs/cgroup/user.slice/app/tnull/memory.max': 'max\n',
    };
    expect(memory(files)).toMatchObject({ bytes: GiB, of: "the cgroup's" });
    const lower = { ...files, '/sys/fs/cgroup/user.slice/app/tnull/memory.max': `${512 * MiB}\n` };
    expect(memory(lower).bytes).toBe(512 * MiB);
  });

  test('v2 in a container with a namespace of its own: the root is ours', () => {
    const files = {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': v2,
      '/sys/fs/cgroup/memory.max': `${512 * MiB}\n`,
    };
    expect(memory(files).bytes).toBe(512 * MiB);
  });

  test('v2 in a container without one: the path is the host', () => {
    const files = {
      '/proc/self/cgroup': '0::/docker/abc\n',
      '/proc/self/mountinfo': v2.replace(' / /sys', ' /docker/abc /sys'),
      '/sys/fs/cgroup/memory.max': `${512 * MiB}\n`,
    };
    expect(memory(files).bytes).toBe(512 * MiB);
    const outside = { ...files, '/proc/self/cgroup': '0::/../elsewhere\n' };
    expect(memory(outside).bytes).toBe(512 * MiB);
  });

  test('v1, beside a v2 without memory; no limit is a number near 2^63', () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/group/one\n1:cpu:/x\n0::/\n',
      '/proc/self/mountinfo': v1,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': NO_LIMIT_V1,
      '/sys/fs/cgroup/memory/group/memory.limit_in_bytes': `${2 * GiB}\n`,
      '/sys/fs/cgroup/memory/group/one/memory.limit_in_bytes': NO_LIMIT_V1,
      '/sys/fs/cgroup/cpu/x/memory.limit_in_bytes': '1\n',
    };
    expect(memory(files)).toMatchObject({ bytes: 2 * GiB, of: "the cgroup's" });
  });

  test('a mount point with a blank in it', () => {
    const files = {
      '/proc/self/cgroup': '0::/a\n',
      '/proc/self/mountinfo': v2.replace('/sys/fs/cgroup', '/my\\040groups'),
      '/my groups/a/memory.max': `${GiB}\n`,
    };
    expect(memory(files).bytes).toBe(GiB);
  });

  test('ulimit -v and -d, less what is taken already', () => {
    const limits = (size: string, data: string): Readonly<Record<string, string>> => ({
      '/proc/self/limits':
        `Max data size             ${data}            unlimited            bytes     \n` +
        `Max address space         ${size}            unlimited            bytes     \n`,
      '/proc/self/status': 'VmSize:\t 1048576 kB\nVmData:\t  131072 kB\n',
    });
    expect(memory(limits('unlimited', 'unlimited')).addressBytes).toBe(Number.POSITIVE_INFINITY);
    const few = memory(limits(String(3 * GiB), 'unlimited'));
    expect(few).toEqual({ bytes: 2 * GiB, of: 'what ulimit leaves', addressBytes: 2 * GiB });
    expect(memory(limits(String(3 * GiB), String(GiB))).bytes).toBe(GiB - 128 * MiB);
    expect(memory(limits(String(GiB / 2), 'unlimited')).bytes).toBe(0);
  });
});

test('the limit is what there is less 128 MiB and an eighth, but half of it at least', () => {
  expect(defaultLimit(16 * GiB)).toBe(14 * GiB - 128 * MiB);
  expect(defaultLimit(512 * MiB)).toBe(320 * MiB);
  expect(defaultLimit(256 * MiB)).toBe(128 * MiB);
});

test('data in flight of all clients are a sixteenth of what there is, 256 MiB to 1 GiB', () => {
  const inFlight = (bytes: number) => limitsFor({}, { bytes, of: '', addressBytes: bytes });
  expect(inFlight(512 * MiB)).toEqual({ inFlightTotal: 256 * MiB });
  expect(inFlight(8 * GiB)).toEqual({ inFlightTotal: 512 * MiB });
  expect(inFlight(64 * GiB)).toEqual({ inFlightTotal: GiB });
  const said = limitsFor({ inFlightTotal: 0 }, { bytes: GiB, of: '', addressBytes: GiB });
  expect(said).toEqual({ inFlightTotal: 0 });
});
