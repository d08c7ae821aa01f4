/** A hostile or careless user: every attribute with wrong text, at the wrong time and out of range;
 *  impossible devices; simultaneous operations on one device. driver.md section 1. */

import { describe, expect, test } from 'vitest';
import { rows } from '../../src/config/parameters.ts';
import { fileNames } from '../../src/control/attribute-names.ts';
import { errnoOf, refusal, type Texts, world } from './world.ts';

const MB_OF_ZONES = 2 ** 24;
const numbers = ['', '\n', ' 1', '1 ', '+1', '-1', '1x', 'x', '0x', '08', '1.5', '1e3', '1\n\n'];
const wrongTexts = {
  integer: [...numbers, '0b1', '1,2', '١'],
  boolean: ['', '\n', ' 1', '2', 'x', '-1', 'o', 'z'],
  path: ['x', './x', '../x', ' /x', '/x\0', '/x\ty'],
} as const;

const attributes = [...rows].flatMap(([name, row]) => {
  if (row.where === 'P' || row.kind === 'fault' || row.kind === 'text') return [];
  const kind = row.kind === 'integer' || row.kind === 'path' ? row.kind : 'boolean';
  const valid = row.words?.at(-1) ?? (kind === 'path' ? '/x' : '1');
  const { when, width = 32 } = row;
  return [{ name: row.attribute ?? name, kind, when, width, valid } as const];
});

async function device(powered: boolean) {
  const it = world();
  it.device();
  await it.patch({ badblocks: '+7-9', size: '8', ...(powered ? { power: '1' } : {}) });
  return it;
}

/** The refusal of one change, which must be a sentence about it and leave everything as it was. */
async function refused({ tree, patch }: Awaited<ReturnType<typeof device>>, change: Texts) {
  const before = tree.view('nullb0').object;
  const error = await refusal(() => patch(change));
  const [name = ''] = Object.keys(change);
  expect(error.message).toMatch(/^nullb0: [^\n]{5,200}$/);
  expect(error.message).toContain(name);
  expect(error.attribute).toBe(name);
  expect(tree.view('nullb0').object).toEqual(before);
  return error.errno;
}

test('all attributes are tried', () => {
  const others = ['badblocks', ...fileNames.filter((name) => name.includes('inject'))];
  expect([...attributes.map(({ name }) => name), ...others].sort()).toEqual(fileNames);
});

describe.each([false, true])('powered: %s', (powered) => {
  test.each(attributes)('$name: text that is none is EINVAL', async ({ name, kind }) => {
    const it = await device(powered);
    for (const text of wrongTexts[kind]) {
      expect(await refused(it, { [name]: text }), JSON.stringify(text)).toBe('EINVAL');
    }
  });

  test.each(attributes.filter(({ kind }) => kind === 'integer'))(
    '$name: more than $width bits is ERANGE',
    async ({ name, width }) => {
      const it = await device(powered);
      const least = 2n ** BigInt(width);
      for (const text of [`${least}`, `0x${least.toString(16)}`, '9'.repeat(1000)]) {
        expect(await refused(it, { [name]: text })).toBe('ERANGE');
      }
    },
  );

  test('badblocks: what is no range is EINVAL, beyond 64 bits ERANGE', async () => {
    const it = await device(powered);
    const none = ['', '\n', '+', '+1', '1-2', '+2-1', '+1-', '+-1', '+1-2-3', '+ 1-2', '+1-2,+3-4'];
    for (const badblocks of [...none, '+x-y', '*1-2', '+1-2\n\n+3-4', '+1-2\n+2-1']) {
      expect(await refused(it, { badblocks }), badblocks).toBe('EINVAL');
    }
    expect(await refused(it, { badblocks: '+0-18446744073709551616' })).toBe('ERANGE');
    await it.patch({ badblocks: '+0-18446744073709551615' });
    expect(it.tree.text('nullb0', 'badblocks')).toBe('0 18446744073709551616\n');
  });

  test.each(['timeout_inject', 'requeue_inject', 'init_hctx_fault_inject'])(
    '%s: settings out of range, or no numbers',
    async (group) => {
      const it = await device(powered);
      for (const text of [
        '',
        '1',
        '1,2,3',
        '1,2,3,4,5',
        '1,2,3,x',
        'a,b,c,d',
        '-1,0,0,0',
        '1,,0,1',
      ]) {
        expect(await refused(it, { [group]: text }), text).toBe('EINVAL');
      }
      for (const setting of ['interval', 'probability', 'space', 'times']) {
        const file = `${group}/${setting}`;
        const signed = setting === 'space' || setting === 'times';
        for (const text of ['', 'x', ' 1', '1 2', '1\n\n', ...(signed ? [] : ['-1'])]) {
          expect(await refused(it, { [file]: text }), text).toBe('EINVAL');
        }
        const beyond = signed ? ['2147483648', '-2147483649'] : ['18446744073709551616'];
        for (const text of beyond) expect(await refused(it, { [file]: text })).toBe('ERANGE');
      }
    },
  );
});

test.each(attributes.filter(({ when }) => when === 'off'))(
  '$name while power is 1 is EBUSY, also for the value that it has',
  async ({ name, kind, valid }) => {
    const it = await device(true);
    const same = it.tree.text('nullb0', name);
    expect(await refused(it, { [name]: valid })).toBe('EBUSY');
    expect(await refused(it, { [name]: same })).toBe('EBUSY');
    expect(await refused(it, { [name]: kind === 'integer' ? '-1' : 'x' })).toBe('EINVAL');
  },
);

describe('power on of what cannot be', () => {
  const ZONED = { zoned: '1', size: '8', zone_size: '1' };
  const impossible: readonly (readonly [attribute: string, Texts])[] = [
    ['size', { size: '18446744073709551615' }],
    ['size', { size: '8589934592' }],
    ...['0', '1', '256', '513', '1536', '8192', '4294967295'].map(
      (blocksize) => ['blocksize', { blocksize }] as const,
    ),
    ['queue_mode', { queue_mode: '1' }],
    ['hw_queue_depth', { hw_queue_depth: '0' }],
    ['max_sectors', { max_sectors: '1' }],
    ['max_sectors', { max_sectors: '7' }],
    ['home_node', { home_node: '1' }],
    ['home_node', { home_node: '4294967294' }],
    ['cache_size', { memory_backed: '1', cache_size: '18446744073709551615' }],
    ['completion_nsec', { completion_nsec: '18446744073709551615' }],
    ['zone_size', { ...ZONED, zone_size: '0' }],
    ['zone_size', { ...ZONED, zone_size: '3' }],
    ['zone_size', { ...ZONED, zone_size: '16' }],
    ['zone_size', { ...ZONED, zone_size: '18446744073709551615' }],
    ['zone_capacity', { ...ZONED, zone_capacity: '2' }],
    ['zone_capacity', { ...ZONED, size: '9', zone_size: '2', zone_capacity: '1' }],
  ];
  test.each(impossible)('%s is EINVAL: %j', async (attribute, values) => {
    const it = world();
    it.device();
    const before = it.tree.view('nullb0').object;
    const error = await refusal(() => it.patch({ ...values, power: '1' }));
    expect(error).toMatchObject({ errno: 'EINVAL', attribute });
    expect(error.message).toMatch(/^nullb0: [^\n]{5,200}$/);
    expect(error.message).toContain(`${attribute}=`);
    expect(it.tree.view('nullb0').object).toEqual(before);
    // The values are only stored, whatever they are; power on judges them.
    await it.patch(values);
    const stored = it.tree.view('nullb0').object;
    expect(await refusal(() => it.patch({ power: '1' }))).toMatchObject({ errno: 'EINVAL' });
    expect(it.tree.view('nullb0').object).toEqual(stored);
    expect(it.device().powered).toBe(false);
  });

  const tooMuch: readonly Texts[] = [
    { ...ZONED, size: '8589934591', zone_size: '1' },
    { ...ZONED, size: String(MB_OF_ZONES + 1), zone_size: '1' },
  ];
  test('the largest device of all, with memory: it takes none before it is written', async () => {
    const it = world();
    it.device();
    await it.patch({ memory_backed: '1', size: '8589934591', power: '1' });
    const last = 8589934591 * 2048 - 8;
    expect(it.io('write', last, 8)).toBe('OK');
    expect(it.data(last, 8)).toEqual(new Uint8Array(4096).fill(7));
    expect(it.tree.stats('nullb0').memory.heldBytes).toBe(4096);
  });

  test.each(tooMuch)('more than there is memory for is ENOMEM: %j', async (values) => {
    const it = world();
    it.device();
    const before = it.tree.view('nullb0').object;
    const error = await refusal(() => it.patch({ ...values, power: '1' }));
    expect(error).toMatchObject({ errno: 'ENOMEM' });
    expect(error.message).toMatch(/^nullb0: [^\n]{5,200}$/);
    expect(it.tree.view('nullb0').object).toEqual(before);
    await it.patch({ size: '8', power: '1' });
  });
});

describe('operations on one device at once', () => {
  test('whatever their order, each ends, and the device is in one state', async () => {
    const it = world();
    const works: (() => Promise<unknown>)[] = [
      () => it.tree.create('nullb0', new Map([['power', '1']])),
      () => it.patch({ power: '1' }),
      () => it.patch({ power: '0' }),
      () => it.patch({ size: '8' }),
      () => it.tree.remove('nullb0'),
      () => it.tree.flush('nullb0'),
      async () => it.tree.view('nullb0').object,
      () => it.tree.zoneOperation('nullb0', 'reset-all', 0, undefined),
      () => it.patch({ zoned: '1', zone_size: '1', power: '1' }),
    ];
    for (let n = 0; n < 300; n++) {
      const all = Array.from(
        { length: 12 },
        (_, at) => works[(n * 7 + at * 5 + ((n * at) % 3)) % 9],
      );
      const ends = await Promise.allSettled(all.map((work) => work?.()));
      for (const end of ends) {
        if (end.status === 'rejected') {
          expect(end.reason).toMatchObject({
            errno: expect.stringMatching(/^(ENOENT|EEXIST|EBUSY|ENODEV|EOPNOTSUPP|EINVAL)$/),
          });
        }
      }
    }
    it.device();
    await it.patch({ power: '0' });
    await it.tree.remove('nullb0');
    expect(it.tree.names()).toEqual([]);
    expect(await errnoOf(() => it.tree.view('nullb0').object)).toBe('ENOENT');
  });
});
