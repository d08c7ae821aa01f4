/** The output of foreign programs and /proc, verbatim. */

import { describe, expect, test } from 'vitest';
import { parseFio, withPatience } from '../../bench/src/fio.ts';
import { parseKernel } from '../../bench/src/groups/kernel.ts';
import { parsePerf } from '../../bench/src/groups/syscalls.ts';
import {
  cpuMs,
  parseResident,
  parseStat,
  parseSteal,
  residentBytes,
  StealMeter,
  stealShare,
} from '../../bench/src/proc.ts';
import { ProgramError } from '../../bench/src/processes.ts';
import { parseSpin } from '../../bench/src/spin.ts';

describe('/proc', () => {
  test('stat of a program with a name that misleads', () => {
    const text =
      '4242 (a) S 1 (b) R 77 4242 4242 0 -1 4194304 6371 0 0 0 120 34 5 6 20 0 11 0 239 1 2\n';
    expect(parseStat(text)).toEqual({ parent: 77, ownMs: 1540, childrenMs: 110 });
  });

  test('resident memory', () => {
    expect(parseResident('Name:\tnode\nVmHWM:\t  200 kB\nVmRSS:\t  1024 kB\n')).toBe(1 << 20);
    expect(parseResident('Name:\tzombie\n')).toBe(0);
  });

  test('the time that the host took, of all processors', () => {
    const stat = (cpu: string): string =>
      `cpu  ${cpu}\ncpu0 1 1 1 1 1 1 1 900 0 0\nintr 5 0\nctxt 6\n`;
    const before = parseSteal(stat('100 5 50 800 10 1 4 30 20 0'));
    expect(before).toEqual({ stolen: 30, all: 1000 }); // guests' time counts once
    const after = parseSteal(stat('150 5 90 890 10 1 4 50 60 0'));
    expect(stealShare(before, after)).toBe(0.1);
    expect(stealShare(after, after)).toBe(0);
    expect(parseSteal('no such line\n')).toEqual({ stolen: 0, all: 0 });
    expect(new StealMeter().share()).toBeLessThanOrEqual(1);
  });

  test('this very process has both', () => {
    expect(residentBytes(process.pid)).toBeGreaterThan(1 << 20);
    expect(cpuMs(process.pid)).toBeGreaterThan(0);
    expect(residentBytes(2 ** 22 + 1)).toBe(0);
  });
});

const none = { bw_bytes: 0, total_ios: 0, clat_ns: { min: 0, N: 0 } };
const read = {
  bw_bytes: 1048576,
  total_ios: 256,
  clat_ns: {
    N: 256,
    percentile: { '50.000000': 20_000, '99.000000': 81_000, '99.900000': 90_500 },
  },
};
const fio = (job: object): string =>
  `note: a line of its own {}\n${JSON.stringify({ 'fio version': 'fio-3.33', jobs: [job] }, undefined, 2)}`;

describe('fio', () => {
  test('bandwidth, requests, percentiles in us', () => {
    const job = parseFio(fio({ error: 0, read, write: none, usr_cpu: 61.5, sys_cpu: 30 }));
    expect(job.read).toMatchObject({ bandwidth: 1048576, requests: 256 });
    expect([50, 99, 99.9].map((p) => job.read.percentiles.get(p))).toEqual([20, 81, 90.5]);
    expect(job.write.percentiles.size).toBe(0);
    expect(job.cpuPercent).toBe(91.5);
  });

  test('an error of a job, or no job, is no result', () => {
    expect(() => parseFio(fio({ error: 5, read, write: none }))).toThrow('fio met error 5');
    expect(() => parseFio('{\n"jobs": []}')).toThrow('fio met error undefined');
  });
});

describe('a server with a short backlog', () => {
  const refusal = new ProgramError('fio: connect: server backlog overflowed, see');
  const failing = (...errors: Error[]) => {
    let calls = 0;
    const work = (): Promise<number> => {
      const error = errors[calls++];
      return error === undefined ? Promise.resolve(calls) : Promise.reject(error);
    };
    return work;
  };

  test('is asked again, but not for ever', async () => {
    expect(await withPatience(failing(refusal, refusal))).toBe(3);
    await expect(withPatience(failing(refusal, refusal), 2)).rejects.toBe(refusal);
  });

  test('what failed for another reason is not tried again', async () => {
    const other = new ProgramError('fio: no such file');
    await expect(withPatience(failing(other))).rejects.toBe(other);
  });
});

describe('perf', () => {
  const head = '# started on Wed Nov 25 02:27:21 2026\n\n';
  test('counts calls', () => {
    const text = `${head}798911,,raw_syscalls:sys_enter,953894458,100.00,,\n`;
    expect(parsePerf(text)).toBe(798911);
  });

  test('that counts nothing is no zero', () => {
    const text = `${head}<not counted>,,raw_syscalls:sys_enter,0,100.00,,\n`;
    expect(() => parsePerf(text)).toThrow('perf stat counts no system calls here');
    expect(() => parsePerf('')).toThrow('perf stat counts no system calls here');
  });
});

describe('spin', () => {
  test('latencies', () => {
    const text = 'ready\nreads=9 min=1.50 p50=8.70 p99=12.00 p999=20.25 max=1000003.00\n';
    const expected = { reads: 9, min: 1.5, p50: 8.7, p99: 12, p999: 20.25, max: 1000003 };
    expect(parseSpin(text)).toEqual(expected);
  });

  test('that was cut short is no result', () => {
    expect(() => parseSpin('ready\nreads=9 min=1.50 p50=8.70')).toThrow('spin said no p99');
  });
});

describe('the guest', () => {
  const lines = [
    'result randread 4k depth 1|tnull|2048',
    'result randread 4k depth 1|nbdkit|1024\r',
    'result randread 4k depth 1|tnull|4096',
  ];
  test('says one round in a line', () => {
    const columns = { tnull: [2, 4], nbdkit: [1] };
    expect(parseKernel([...lines, 'finished', ''].join('\n'))).toEqual([
      { name: 'randread 4k depth 1', unit: 'MiB/s', better: 'more', columns },
    ]);
  });

  test('that did not come to its end has said nothing', () => {
    expect(() => parseKernel(lines.join('\n'))).toThrow('the guest said');
  });
});
