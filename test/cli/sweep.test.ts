/** `tnull sweep`: which runs are made, what is reported, and the program as a whole. faults.md section 2. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../../src/cli/outcome.ts';
import { parseSweep } from '../../src/cli/sweep/arguments.ts';
import { sweepFlags } from '../../src/cli/sweep/flags.ts';
import { type LoopOptions, loop } from '../../src/cli/sweep/loop.ts';
import { Progress } from '../../src/cli/sweep/progress.ts';
import {
  merged,
  type Report,
  type Run,
  reportText,
  withCounts,
} from '../../src/cli/sweep/report.ts';
import { folder } from '../folder.ts';
import { patiently } from '../patience.ts';
import { until } from '../until.ts';
import { runHere } from './here.ts';
import { run, start } from './program.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
const io = new URL('nbd-io.js', import.meta.url).pathname;
const use = (...commands: string[]) => `node ${io} "$unixsocket" ${commands.join(' ')}`;

/** A run with so many chances in all; some of them fail. */
function made(n: number, chances: number, failing: readonly number[] = []): Run {
  const isStruck = n <= chances;
  const status = failing.includes(n) ? 1 : 0;
  return {
    ...{ n, struck: isStruck ? [{ op: 'write', sector: n, sectors: 1 }] : [], status },
    ...{ outcome: outcomeOf(status, new Map()), ms: 5, output: status === 0 ? '' : `n is ${n}\n` },
  };
}

interface World {
  readonly chances: number;
  readonly failing?: readonly number[];
}

async function looped(world: World, options: Partial<LoopOptions> = {}) {
  const begun: number[] = [];
  const told: number[] = [];
  const result = await loop({
    ...{ from: 1, to: Number.POSITIVE_INFINITY, shard: { index: 1, of: 1 }, jobs: 1 },
    ...{ keepGoing: false, signal: new AbortController().signal },
    run: async (n) => {
      begun.push(n);
      return made(n, world.chances, world.failing);
    },
    onRun: ({ n }) => told.push(n),
    ...options,
  });
  return { ...result, begun, told, ns: result.runs.map(({ n }) => n) };
}

describe('the runs', () => {
  test('are made until the rule does not strike', async () => {
    expect(await looped({ chances: 3 })).toMatchObject({
      begun: [1, 2, 3, 4],
      told: [1, 2, 3, 4],
      ns: [1, 2, 3, 4],
      end: 'every chance taken',
    });
  });

  test('begin at from and end at to', async () => {
    expect(await looped({ chances: 9 }, { from: 3, to: 5 })).toMatchObject({
      ns: [3, 4, 5],
      end: 'limit',
    });
    expect(await looped({ chances: 4 }, { to: 5 })).toMatchObject({ end: 'every chance taken' });
  });

  test('stop at a failure, unless they are to go on', async () => {
    const world = { chances: 4, failing: [2] };
    expect(await looped(world)).toMatchObject({ ns: [1, 2], end: 'failure' });
    expect(await looped(world, { keepGoing: true })).toMatchObject({
      ns: [1, 2, 3, 4, 5],
      end: 'every chance taken',
    });
  });

  test('of several jobs end as those of one', async () => {
    const number = fc.integer({ min: 0, max: 20 });
    const jobs = fc.integer({ min: 1, max: 8 });
    const property = fc.asyncProperty(number, jobs, async (chances, count) => {
      const one = await looped({ chances });
      const many = await looped({ chances }, { jobs: count });
      expect(many.runs).toEqual(one.runs);
      expect(many.end).toBe(one.end);
      expect(new Set(many.begun).size).toBe(many.begun.length);
    });
    await fc.assert(property, { numRuns: 50 });
  });

  test('of all shards are those of the whole, and their reports merge to its report', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 20 })),
      async (chances, of, failing) => {
        const world = { chances, failing };
        const whole = reportOf(await looped(world, { keepGoing: true }));
        const shards = new Map<string, Report>();
        for (let index = 1; index <= of; index++) {
          const shard = { index, of };
          const part = await looped(world, { keepGoing: true, shard });
          shards.set(`${index}.json`, { ...reportOf(part), shard });
        }
        // A run that was not struck fails in each shard that has one.
        const all = merged(shards);
        const one = (runs: readonly Run[]) => runs.filter(({ n }) => n <= chances + 1);
        expect({ ...all, runs: one(all.runs), counts: {} }).toEqual({ ...whole, counts: {} });
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });

  test('that are under way when it is interrupted are not reported', async () => {
    const interrupt = new AbortController();
    const { ns, end } = await looped(
      { chances: 9 },
      {
        signal: interrupt.signal,
        run: async (n) => {
          if (n === 3) interrupt.abort();
          return made(n, 9);
        },
      },
    );
    expect({ ns, end }).toEqual({ ns: [1, 2], end: 'interrupted' });
  });
});

function reportOf({ runs, end }: Pick<Report, 'runs' | 'end'>): Report {
  const head = { command: 'c', rule: 'r', seed: '1', from: 1, to: null };
  return withCounts({ ...head, shard: { index: 1, of: 1 }, end, runs });
}

test('statuses have their outcomes', () => {
  const names = new Map([[12, 'lost-data']]);
  const found = [0, 77, 10, 12, 19, 1, 20, 139, undefined].map((one) => outcomeOf(one, names));
  expect(found).toEqual([
    'ok',
    'skipped',
    'outcome 10',
    'lost-data',
    'outcome 19',
    'failed',
    'failed',
    'failed',
    'timeout',
  ]);
});

test('the table shows what was struck, and the end of what a failure said', async () => {
  const noise = Array.from({ length: 30 }, (_, n) => `line ${n}`).join('\n');
  const failed = { ...made(2, 3, [2]), output: `${noise}\n\u001b[2Jend\n` };
  const { runs, end } = await looped({ chances: 2 });
  const report = reportOf({ end, runs: [...runs.slice(0, 1), failed, ...runs.slice(2)] });
  const text = reportText(report);
  expect(text.split('\n').slice(0, 6)).toEqual([
    'N  STRUCK     STATUS      TIME',
    '1  write 1+1  ok          5 ms',
    '2  write 2+1  failed (1)  5 ms',
    '3  -          ok          5 ms',
    '',
    'N 2: failed (1); the end of what it said:',
  ]);
  expect(text).toContain('  ?[2Jend\n');
  expect(text).not.toContain('line 10\n');
  expect(text.split('\n').at(-2)).toBe('3 runs: 2 ok, 1 failed; every chance of 2 was taken');
});

test('progress tells how many there are at least, and how long they take', () => {
  let now = 0;
  const progress = new Progress({
    ...{ say: () => {}, now: () => now, from: 1, to: Number.POSITIVE_INFINITY, shards: 1 },
  });
  now = 2000;
  progress.add(made(1, 9), 9);
  expect(progress.line(1)).toBe('sweep: N 1 of 10; about 18 s more');
  progress.add(made(10, 9, [10]), 9);
  expect(progress.line(10)).toBe('sweep: N 10 of 10, 1 failed');
});

test.each([
  [['--run', 'x'], /^sweep: there is no --rule$/],
  [['--rule', 'lose=1'], /^sweep: there is no --run$/],
  [['--rule', 'lose=1', '--run'], /^sweep: --run: a value is missing$/],
  [['--rule', 'eror=1', '--run', 'x'], /^sweep: --rule: eror=1: no such word/],
  [['--rule', 'lose=1 nth=2', '--run', 'x'], /^sweep: --rule: nth is what the sweep sets$/],
  [
    ['--rule', 'lose=1 times=2', '--run', 'x'],
    /^sweep: --rule: times=2: not with nth, with which it is 1$/,
  ],
  [['--rule', 'op', '--run', 'x'], /^'op' is not word=value$/],
  [['--rule', 'lose=1', '--rule=lose=1', '--run', 'x'], /^sweep: --rule is there twice$/],
  [['--rule', 'lose=1', '--run', 'x', '--from', '0'], /^sweep: --from=0: must be a whole number/],
  [['--rule', 'lose=1', '--run', 'x', '--from=3', '--to=2'], /^sweep: --to=2: it is less than/],
  [['--rule', 'lose=1', '--run', 'x', '--jobs=257'], /^sweep: --jobs=257: .* from 1 to 256$/],
  [['--rule', 'lose=1', '--run', 'x', '--timeout=0'], /^sweep: --timeout=0: must be seconds/],
  [
    ['--rule', 'lose=1', '--run', 'x', '--timeout=2000001'],
    /^sweep: --timeout=2000001: must be seconds, more than 0 and at most 2000000$/,
  ],
  [['--rule', 'lose=1', '--run', 'x', '--shard=3/2'], /^sweep: --shard=3\/2: must be K\/M/],
  [['--rule', 'lose=1', '--run', 'x', '--outcome=9=x'], /^sweep: --outcome=9=x: must be a status/],
  [['--rule', 'lose=1', '--run', 'x', '--json=1'], /^sweep: --json takes no value$/],
  [['--rule', 'lose=1', '--run', 'x', '--image='], /^sweep: --image: a value is missing$/],
  [['--rule', 'lose=1', '--run', 'x', '--stdin'], /^sweep: --stdin: not for a sweep$/],
  [['--rule', 'lose=1', '--run', 'x', '--fault_log=f'], /^sweep: --fault_log: not for a sweep$/],
  [['--rule', 'lose=1', '--run', 'x', '-U', '-'], /^sweep: -U: not for a sweep$/],
  [['--rule', 'lose=1', '--run', 'x', 'sise=1'], /^sise=1: unknown parameter/],
  [['--merge', 'f', '--jobs', '2'], /^sweep: --merge: not with jobs$/],
])('sweep %j is a mistake', async (words, rule) => {
  const { status, stdout, stderr } = await runHere('sweep', ...words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr.slice('tnull: '.length, -1)).toMatch(rule);
});

test('parameters and flags of a daemon may stand anywhere', () => {
  const parsed = parseSweep(
    [
      'size=8',
      '--rule',
      'lose=1',
      '--memory-backed',
      '--run',
      'x',
      '--threads',
      '2',
      '--shard=2/3',
    ],
    '1',
  );
  expect(parsed).toMatchObject({
    kind: 'sweep',
    serve: { threads: 2, logLevel: 'error', words: [{ name: 'size' }, { name: 'memory_backed' }] },
    shard: { index: 2, of: 3 },
    from: 1,
    to: Number.POSITIVE_INFINITY,
  });
});

test.each([
  ['sweep', '--help'],
  ['sweep', '-h'],
  ['help', 'sweep'],
])('%s %s has every flag', async (...words) => {
  const { status, stdout } = await runHere(...words);
  expect(status).toBe(0);
  for (const { flags } of Object.values(sweepFlags)) expect(stdout).toContain(`  ${flags} `);
});

test('docs/sweep.md has every flag', () => {
  const docs = readFileSync(new URL('../../docs/sweep.md', import.meta.url), 'utf8');
  const told = new Set(docs.match(/(?<=`)--[a-z-]+/g));
  const flags = Object.values(sweepFlags).map((row) => row.flags.replace(/ .*/, ''));
  expect(flags.filter((flag) => !told.has(flag))).toEqual([]);
});

const parameters = ['size=1', 'memory_backed=1'];
const writes = use('write:0:512', 'write:512:512', 'read:0:512');

test('a sweep strikes each chance once, each on a fresh device', async () => {
  const { status, stdout, stderr } = await run(
    ...['sweep', ...parameters, '--rule', 'op=write error=ENOSPC', '--run', `${writes} || exit 12`],
    ...['--outcome', '12=told', '--json', '--jobs', '2'],
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const strike = (sector: number) => [{ op: 'write', sector, sectors: 1 }];
  const common = { ms: expect.any(Number) };
  expect(JSON.parse(stdout)).toEqual({
    ...{ command: `${writes} || exit 12`, rule: 'op=write error=ENOSPC', seed: '1', from: 1 },
    ...{ to: null, shard: { index: 1, of: 1 }, end: 'every chance taken', chances: 2 },
    counts: { told: 2, ok: 1 },
    runs: [
      {
        n: 1,
        struck: strike(0),
        status: 12,
        outcome: 'told',
        ...common,
        output: 'write:0:512: error 28\n',
      },
      {
        n: 2,
        struck: strike(1),
        status: 12,
        outcome: 'told',
        ...common,
        output: 'write:512:512: error 28\n',
      },
      { n: 3, struck: [], status: 0, outcome: 'ok', ...common, output: '' },
    ],
  });
});

describe('--image', () => {
  const image = (bytes: number): string => {
    const path = join(folder(), 'image');
    writeFileSync(path, Buffer.alloc(bytes, 'a'));
    return path;
  };
  const sweep = (...more: string[]) =>
    run('sweep', '--rule', 'op=write lose=1', '--json', '--jobs', '2', ...more);
  const outputs = (stdout: string): string[] =>
    JSON.parse(stdout).runs.map(({ output }: Run) => output.trim());

  test('each run begins with it, whatever the runs before have written', async () => {
    const file = image(2048);
    const command = use('show:0:2048', 'write:0:512:98', 'write:1024:512:99', 'show:0:2048');
    const { stdout, stderr } = await sweep('--image', file, '--run', `${command}; exit 12`);
    expect(stderr).toBe('');
    expect(outputs(stdout)).toEqual(['aaaa\naaca', 'aaaa\nbaaa', 'aaaa\nbaca']);
    expect(readFileSync(file, 'latin1')).toBe('a'.repeat(2048));
  });

  test('a size makes the devices larger, and an image that a command removes is there again', async () => {
    const command = `tnull() { node ${program} "$@"; }; ${use('show:0:1024')} && ${use('write:1048064:512')}; `;
    const args = ['--image', image(512), 'size=1', '--run'];
    const { stdout } = await sweep(...args, `${command} tnull remove image; exit 12`);
    expect(outputs(stdout)).toEqual(['a.', 'a.']);
  });

  test.each([
    ['no-such-file', [], /^--image=\/.*no-such-file: no such file/i],
    ['package.json', ['memory_backed=0'], /^--image=\/.*package.json: .*holds no data/],
    [
      'package-lock.json',
      ['zoned=1', 'size=4', 'zone_size=1'],
      /^--image=\/.*zones are written in order$/,
    ],
  ])('%s %j is a mistake', async (file, words, rule) => {
    const { status, stderr } = await sweep('--image', file, ...words, '--run', 'true');
    expect(status).toBe(1);
    expect(stderr.slice('tnull: sweep: '.length, -1)).toMatch(rule);
  });
});

test('the dice of each run follow from --seed', async () => {
  const drawn = async (...seed: string[]): Promise<string[]> => {
    const { stdout } = await run(
      ...['sweep', ...parameters, '--rule', 'op=read corrupt=random', '--json', ...seed],
      ...['--run', `${use('show:0:4096', 'show:0:4096')}; exit 12`],
    );
    return JSON.parse(stdout).runs.map(({ output }: Run) => output);
  };
  const one = await drawn();
  expect(one).toHaveLength(3);
  expect(await drawn('--seed', '1')).toEqual(one);
  expect((await drawn('--seed', '2')).slice(0, 2)).not.toEqual(one.slice(0, 2));
});

test('a failure is status 1, and its output is shown', async () => {
  const args = ['sweep', ...parameters, '--rule', 'op=write error=EIO', '--run', writes];
  const { status, stdout } = await run(...args);
  expect(status).toBe(1);
  expect(stdout.replace(/ +[\d.]+ m?s$/m, '')).toBe(
    [
      'N  STRUCK     STATUS      TIME',
      '1  write 0+1  failed (1)',
      '',
      'N 1: failed (1); the end of what it said:',
      '  write:0:512: error 5',
      '',
      '1 run: 1 failed; stopped at a failure (--keep-going goes on)',
      '',
    ].join('\n'),
  );
});

test('the command knows where it is, and which run it is; 77 is a run that is skipped', async () => {
  const told = join(folder(), 'told');
  const command = `echo "$TNULL_SWEEP_N $uri $unixsocket $port." >>${told}; test -S "$control" || exit 1; exit 77`;
  const args = ['sweep', 'size=1', '--rule', 'lose=1', '--run', command, '--from', '4', '--json'];
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ counts: { skipped: 1 }, end: 'every chance taken' });
  const [, socket] =
    /^4 nbd\+unix:\/\/\/nullb0\?socket=(\S+) \1 \.\n$/.exec(readFileSync(told, 'utf8')) ?? [];
  expect(socket).toMatch(/^\/.*socket$/);
  expect(existsSync(socket ?? '')).toBe(false);
});

test('where nothing matches the rule that is said', async () => {
  const args = ['sweep', 'size=1', '--rule', 'op=discard error=EIO', '--run', 'true'];
  expect(await run(...args)).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/\n1 run: 1 ok; nothing matched the rule\n$/),
    stderr: 'tnull: sweep: nothing matched the rule\n',
  });
});

test('what takes too long has failed, with all that it started', async () => {
  const pid = join(folder(), 'pid');
  const command = `sh -c 'trap "" TERM; echo $$ >${pid}; sleep 1000 & wait; wait' & wait`;
  const args = ['sweep', 'size=1', '--rule', 'lose=1', '--run', command, '--json'];
  const { status, stdout } = await patiently(
    (seconds) => run(...args, '--timeout', seconds),
    () => existsSync(pid) && readFileSync(pid, 'utf8') !== '',
  );
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    counts: { timeout: 1 },
    runs: [{ n: 1, outcome: 'timeout' }],
  });
  const gone = Number(readFileSync(pid, 'utf8'));
  await until(() => !existsSync(`/proc/${gone}`));
});

test('a hang is no end for the next run', async () => {
  const args = ['sweep', ...parameters, '--rule', 'op=write hang=on', '--run', writes];
  const { status, stdout } = await patiently(
    (seconds) => run(...args, '--keep-going', '--json', '--timeout', seconds),
    ({ stdout }) => JSON.parse(stdout).counts.ok === 1,
  );
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    counts: { timeout: 2, ok: 1 },
    end: 'every chance taken',
  });
});

test('a signal ends the sweep and its commands, and what was found is told', async () => {
  const pid = join(folder(), 'pid');
  const { child, ended } = start(
    ...['sweep', 'size=1', '--rule', 'lose=1', '--run', `echo $$ >${pid}; sleep 1000`, '--json'],
  );
  await until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '');
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect(status).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ end: 'interrupted', runs: [] });
  const gone = Number(readFileSync(pid, 'utf8'));
  await until(() => !existsSync(`/proc/${gone}`));
});

describe('--merge', () => {
  const file = (report: unknown, name: string) => {
    const path = join(folder(), name);
    writeFileSync(path, JSON.stringify(report));
    return path;
  };
  const part = (index: number, of: number): Report => ({
    ...reportOf({ runs: [made(index, 3, [2])], end: 'limit' }),
    shard: { index, of },
  });

  test('makes one report of the shards, in any order', async () => {
    const files = [file(part(2, 2), 'b'), file(part(1, 2), 'a')];
    const { status, stdout } = await runHere('sweep', '--merge', ...files, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      shard: { index: 1, of: 1 },
      counts: { ok: 1, failed: 1 },
      runs: [{ n: 1 }, { n: 2 }],
    });
    const text = await runHere('sweep', '--merge', ...files);
    expect(text.stdout).toContain('2 runs: 1 ok, 1 failed; ');
  });

  test.each([
    ['a shard that is missing', [part(1, 3), part(3, 3)], /of 3 shards there is no 2$/],
    ['a shard twice', [part(1, 2), part(1, 2)], /shard 1 is in /],
    ['others of a sweep', [part(1, 2), part(2, 3)], /one of 3 shards, not of 2$/],
    ['another rule', [part(1, 2), { ...part(2, 2), rule: 'x' }], /rule is 'x', not 'r'$/],
    ['no report', [part(1, 2), {}], /no report of a sweep$/],
  ])('refuses %s', async (_, reports, rule) => {
    const files = reports.map((report, n) => file(report, `${n}`));
    const { status, stderr } = await runHere('sweep', '--merge', ...files);
    expect(status).toBe(1);
    expect(stderr.slice('tnull: '.length, -1)).toMatch(rule);
  });
});
