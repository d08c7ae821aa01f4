/** The tables of docs/spec/driver.md are those of the code. */

import { readFileSync } from 'node:fs';
import { NbdError } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { Status, statusErrno } from '../../src/block/status.ts';
import { isAttributeName } from '../../src/config/attributes.ts';
import { rows } from '../../src/config/parameters.ts';
import * as transitions from '../../src/driver/zones/transitions.ts';
import { ZoneCondition } from '../../src/driver/zones/zone.ts';
import { nbdMeaning } from '../../src/export/errors.ts';
import { specification, table } from './tables.ts';

const text = specification('driver');
const ticked = (cell = ''): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

describe('section 1', () => {
  test('the attributes of 64 bits', () => {
    const [, said = ''] = /Attributes have 32 bits; ([^.]*) have 64\./.exec(text) ?? [];
    const wide = [...rows].filter(([, row]) => row.width === 64).map(([name]) => name);
    expect(ticked(said).toSorted()).toEqual(wide.toSorted());
  });

  test('what power on adjusts is what the judge adjusts', () => {
    const told = table(text, 'attribute', 'becomes').flatMap(([cell]) => ticked(cell));
    expect(told.filter((name) => !isAttributeName(name))).toEqual([]);
    const sources = ['judge', 'judge-zones'].map((name) =>
      readFileSync(new URL(`../../src/config/${name}.ts`, import.meta.url), 'utf8'),
    );
    const adjusted = [...sources.join('').matchAll(/one\.become\('(\w+)'/g)].map(
      ([, name = '']) => name,
    );
    // Not written back: the attribute keeps its value.
    const kept = ['hw_queue_depth', 'max_sectors'];
    expect([...new Set(told)].toSorted()).toEqual([...new Set([...adjusted, ...kept])].toSorted());
  });
});

test('section 3: statuses', () => {
  const told = table(text, 'status', 'errno').flatMap(([names = '', errno, error]) =>
    names
      .split(', ')
      .map((name) => [
        name,
        errno || undefined,
        error?.includes('issued again') ? 'again' : error || undefined,
      ]),
  );
  const wire = new Map(Object.entries(NbdError).map(([name, number]) => [number, name]));
  const known = Object.entries(Status).map(([name, status]) => {
    const errno = statusErrno[status];
    if (errno === 'OK') return [name, undefined, undefined];
    if (errno === 'retried') return [name, undefined, 'again'];
    return [name, errno, wire.get(nbdMeaning(status).error)];
  });
  expect(new Map(told.map((row) => [row[0], row]))).toEqual(
    new Map(known.map((row) => [row[0], row])),
  );
});

describe('section 6', () => {
  test('the numbers of conditions, and which are open and active', () => {
    const told = table(text, 'number', 'condition').map(([number, name, , open, active]) => [
      Number(number),
      name,
      open === 'yes',
      active === 'yes',
    ]);
    const known = Object.entries(ZoneCondition).map(([name, condition]) => {
      const held = transitions.holds[condition];
      return [condition, name, held === 'implicit' || held === 'explicit', held !== 'nothing'];
    });
    expect(told).toEqual(known.toSorted(([one], [other]) => Number(one) - Number(other)));
  });

  const tables = {
    open: transitions.onOpen,
    close: transitions.onClose,
    finish: transitions.onFinish,
    reset: transitions.onReset,
  };
  const conditions = ['EMPTY', 'IMP_OPEN', 'EXP_OPEN', 'CLOSED', 'FULL'] as const;

  test.each(table(text, 'operation', ...conditions))('%s', (operation = '', ...cells) => {
    const actions = Object.entries(tables).find(([name]) => name === operation)?.[1];
    const said = cells.map((cell) => {
      if (cell === 'IOERR') return 'refuse';
      if (cell === 'as it is') return 'leave';
      return cell.startsWith('resources, then ') ? 'take' : 'go';
    });
    expect(said).toEqual(conditions.map((name) => actions?.[ZoneCondition[name]]));
    for (const other of ['NOT_WP', 'READONLY', 'OFFLINE'] as const) {
      expect(actions?.[ZoneCondition[other]]).toBe('refuse');
    }
  });
});

test('section 7: the faults and their groups', () => {
  const told = table(text, 'parameter', 'group of attributes').map(([name, group]) => [
    ...ticked(name),
    ...ticked(group),
  ]);
  const known = [...rows]
    .filter(([, row]) => row.kind === 'fault')
    .map(([name, row]) => [name, row.attribute]);
  expect(told).toEqual(known);
});
