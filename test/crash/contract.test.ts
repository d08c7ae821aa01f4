/** The contract, case by case: what docs/crash.md says, with the golden cases. */

import { expect, test } from 'vitest';
import { Beyond } from '../../src/crash/beyond.ts';
import { crashSite, type Model, models } from '../../src/crash/models.ts';
import { allAt, lettersOf } from './letters.ts';
import { journalOf, readLog } from './random-log.ts';
import { script } from './script.ts';

type Device = Parameters<typeof script>[1];

function site(line: string, model: Model = 'torn', device: Device = {}) {
  return crashSite(readLog(journalOf(script(line, device))), model);
}

/** What may be there in the end, by rank. */
function atEnd(line: string, model: Model = 'torn', device: Device = {}): string[] {
  const one = site(line, model, { base: '...', ...device });
  return allAt(one, one.space.legal().length - 1);
}

test('golden (a): a flush takes away what was answered before it, when it is answered', () => {
  const one = site('a@0 /a@0 b@1 /b@1 F c@0 /F', 'torn', { base: '..' });
  expect(one.space.legal()).toEqual([6n, 2n]);
  expect(allAt(one, 0)).toEqual(['..', '.b', 'a.', 'ab', 'c.', 'cb']);
  expect(allAt(one, 1)).toEqual(['ab', 'cb']);
  expect(one.space.distinct()).toBe(6n);
});

test('golden (b): FUA is not a barrier', () => {
  expect(atEnd('a@0 /a@0 b!@1 /b!@1')).toEqual(['.b.', 'ab.']);
});

test('golden (c): a write of four blocks is whole or torn', () => {
  expect(atEnd('wxyz@0', 'whole', { base: '....' })).toEqual(['....', 'wxyz']);
  expect(site('wxyz@0', 'torn', { base: '....' }).space.legal()).toEqual([16n]);
});

test('golden (d): a flush of another client holds with multiConnection alone', () => {
  const line = 'a@0 /a@0 2:F /2:F';
  expect(atEnd(line, 'torn', { isMulti: true })).toEqual(['a..']);
  expect(atEnd(line)).toEqual(['...', 'a..']);
});

test('a flush covers what was answered when it arrived, and nothing later', () => {
  expect(atEnd('a@0 F /a@0 /F')).toEqual(['...', 'a..']);
  expect(atEnd('a@0 /a@0 F /F')).toEqual(['a..']);
});

test('concurrent writes may end in either order, others in theirs alone', () => {
  expect(atEnd('a@0 b@0 /a@0 /b@0 F /F')).toEqual(['a..', 'b..']);
  expect(atEnd('a@0 /a@0 b@0 /b@0 F /F')).toEqual(['b..']);
});

test('without a cache what was answered is durable', () => {
  expect(atEnd('a@0 /a@0 b@1', 'torn', { hasCache: false })).toEqual(['a..', 'ab.']);
  expect(site('a@0 /a@0 b@1', 'torn', { hasCache: false }).space.legal()).toEqual([2n, 2n]);
});

test('a flush that lies makes nothing durable, a lying FUA is none; what needs that is beyond the contract', () => {
  const line = 'a@0 /a@0 F ?F b!@1 ?b!@1 F~2 /F~2';
  const one = site(line, 'torn', { base: '..' });
  expect(one.space.legal()).toEqual([4n, 1n]);
  expect(allAt(one, 1)).toEqual(['ab']);
  const beyond = new Beyond(one, 'torn');
  const marked = [0n, 1n, 2n, 3n].filter((rank) =>
    beyond.has(0, one.space.contents({ instant: 0, rank }) ?? new Int32Array()),
  );
  // After the first flush a is there, after FUA b: all but one need a lie.
  expect(allAt(one, 0)).toEqual(['..', '.b', 'a.', 'ab']);
  expect(marked).toEqual([0n, 1n, 2n]);
  const honest = site('a@0 /a@0 F', 'torn', { base: '..' });
  expect(new Beyond(honest, 'torn').has(0, new Int32Array())).toBe(false);
});

test('a failed write may be there for ever, and nothing makes it durable', () => {
  expect(atEnd('a@0 !a@0 F /F')).toEqual(['...', 'a..']);
  expect(atEnd('a!@0 !a!@0', 'torn', { hasCache: false })).toEqual(['...', 'a..']);
  expect(atEnd('a@0 !a@0 b@0 /b@0 F /F')).toEqual(['b..']);
});

test('a failed flush makes nothing durable, and is no instant', () => {
  const one = site('a@0 /a@0 F !F');
  expect(one.space.legal()).toEqual([2n]);
});

test('a command that is never answered may come after all others', () => {
  expect(atEnd('a@0 b@0 /b@0 F /F c@0 /c@0 F~2 /F~2')).toEqual(['a..', 'c..']);
});

test('a discard adds zeros, and what was before it stays, also when it is durable', () => {
  expect(atEnd('a@0 /a@0 F /F d@0+1 /d@0+1 F~2 /F~2', 'torn', { base: 'o..' })).toEqual([
    'a..',
    '...',
  ]);
  expect(atEnd('d@0+1 /d@0+1 F /F b@0 /b@0 F~2 /F~2', 'torn', { base: 'o..' })).toEqual(['b..']);
});

test('write_zeroes is a write of zeros', () => {
  expect(atEnd('z@0+2 /z@0+2 F /F', 'torn', { base: 'oo.' })).toEqual(['...']);
  expect(site('z!@0+2 /z!@0+2', 'torn', { base: 'oo.' }).space.legal()).toEqual([4n, 1n]);
});

test('equal content is one version', () => {
  expect(atEnd('a@0 /a@0 a@0~2 /a@0~2')).toEqual(['...', 'a..']);
  expect(atEnd('.@0 /.@0 .@1', 'whole')).toEqual(['...']);
});

test('what comes back counts once, at its last instant', () => {
  const one = site('a!@0 /a!@0 .!@0 /.!@0 a!@0~2 /a!@0~2', 'torn', { base: '.' });
  expect(one.space.legal()).toEqual([2n, 2n, 2n, 1n]);
  expect(one.space.distinct()).toBe(2n);
  expect([...one.space.images()]).toEqual([
    { instant: 2, rank: 0n },
    { instant: 3, rank: 0n },
  ]);
});

test('atomic above the block: aligned parts are whole', () => {
  const device = { base: '....', atomic: 1024 };
  expect(atEnd('abcd@0', 'torn', device)).toEqual(['....', '..cd', 'ab..', 'abcd']);
  expect(atEnd('abc@1', 'torn', { ...device })).toEqual(['....', '..bc', '.a..', '.abc']);
});

test('a block of 1024 bytes is there or not', () => {
  expect(atEnd('abcd@0', 'torn', { base: '....', block: 1024 })).toEqual([
    ...['....', '..cd', 'ab..', 'abcd'],
  ]);
});

test('commands that do not keep to blocks: parts of blocks are pieces', () => {
  const device = { base: '....', block: 1024 };
  expect(atEnd('abc@1', 'torn', device)).toEqual(['....', '..bc', '.a..', '.abc']);
});

test('whole: an outcome of overlapping writes is an order of them', () => {
  expect(atEnd('ab@0 /ab@0 cd@1', 'whole')).toEqual(['...', '.cd', 'ab.', 'acd']);
  expect(atEnd('abc@0 xyz@0', 'whole')).toEqual(['...', 'abc', 'xyz']);
  // What is durable is in every order: before it or behind it the other one.
  expect(atEnd('ab!@0 cd@1 /ab!@0', 'whole')).toEqual(['ab.', 'abd', 'acd']);
});

test('lost has what is durable alone, prefix what came first', () => {
  const line = 'a@0 /a@0 b@1 c@2 F /F d@0';
  expect(atEnd(line, 'lost')).toEqual(['a..']);
  expect(atEnd(line, 'prefix')).toEqual(['a..', 'ab.', 'abc', 'dbc']);
});

test('garbage: what is in flight may be zeros or random', () => {
  expect(atEnd('a@0 b!@1 /b!@1', 'garbage', { base: 'oo.' })).toEqual([
    ...['ob.', 'ab.', '.b.', '?b.'],
  ]);
});

test('models go from narrow to wide', () => {
  const line = 'ab@0 /ab@0 cd@1 F bb@0 /F d@0+2 e!@2';
  const all = models.map((model) => new Set(atEnd(line, model, { base: 'o.o' })));
  for (const [at, images] of all.entries()) {
    const wider = all[at + 1];
    if (wider !== undefined) expect([...images].filter((one) => !wider.has(one))).toEqual([]);
    if (wider !== undefined) expect(wider.size).toBeGreaterThan(images.size);
  }
});

test('counts are exact beyond 2^64', () => {
  const letters = 'abcdefgh'.repeat(20);
  const one = site(`${letters}@0`, 'torn', { base: '.'.repeat(160) });
  expect(one.space.legal()).toEqual([2n ** 160n]);
  expect(lettersOf(one, { instant: 0, rank: 2n ** 160n - 1n })).toBe(letters);
  const ranks = Array.from({ length: 5 }, (_, at) => 2n ** BigInt(at * 31));
  for (const rank of ranks) {
    const bits = [...lettersOf(one, { instant: 0, rank })].map((one) => (one === '.' ? '0' : '1'));
    expect(BigInt(`0b${bits.join('')}`)).toBe(rank);
  }
});

test('the first images of very many are there at once', () => {
  const one = site(`${'ab'.repeat(500)}@0 F /F`, 'garbage', { base: '.'.repeat(1000) });
  const first = one.space.images()[Symbol.iterator]().next().value;
  expect(first).toEqual({ instant: 1, rank: 0n });
});
