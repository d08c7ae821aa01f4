/** What CI runs: tnull / limit.c in the same run, compared to ratios of a quiet machine. Never absolute
 *  times. CI's machines are busy, and other load only ever slows a round down: so the best round of each
 *  server counts, and a case that falls short is measured once more before it fails. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateCases } from './cases.ts';
import type { Context } from './group.ts';
import { measureSpeed } from './groups/speed.ts';
import { checkout, memoryKinds } from './kinds.ts';
import { ProgramError } from './processes.ts';
import type { Row } from './rows.ts';

const FILE = join(checkout, 'bench', 'gate.json');
/** For a case that the file does not know yet. */
const ALLOWANCE = 0.6;

/** The recorded figures of each case, by its name. */
export type Gate = Readonly<Record<string, GateCase>>;

interface GateCase {
  /** tnull / limit.c, best round over best round, on a quiet machine. */
  readonly ratio: number;
  /** The share of it that must be reached. */
  readonly allowance: number;
}

export interface Ruling {
  readonly name: string;
  readonly ratio: number;
  readonly floor: number;
  readonly passed: boolean;
}

/** Best round over best round; NaN when one was not measured. */
export function bestRatio({ columns }: Row): number {
  const best = (name: string): number => Math.max(...(columns[name] ?? [Number.NaN]));
  return best('tnull') / best('limit');
}

/** The rounds of both measurements of one case together. */
export function joined(first: Row, again: Row | undefined): Row {
  const columns = Object.entries(first.columns).map(([name, rounds]) => [
    name,
    [...rounds, ...(again?.columns[name] ?? [])],
  ]);
  return { ...first, columns: Object.fromEntries(columns) };
}

/** @throws ProgramError when a case has no recorded ratio. */
export function rule(gate: Gate, row: Row): Ruling {
  const recorded = gate[row.name];
  if (recorded === undefined) throw new ProgramError(`bench/gate.json has no '${row.name}'`);
  const found = bestRatio(row);
  const floor = recorded.allowance * recorded.ratio;
  // Also false for NaN: what was not measured has not passed.
  return { name: row.name, ratio: found, floor, passed: found >= floor };
}

/** @throws ProgramError when it is no gate. */
export function parseGate(text: string): Gate {
  const parsed: unknown = JSON.parse(text);
  if (!isGate(parsed))
    throw new ProgramError('bench/gate.json: wants ratio and allowance of cases');
  return parsed;
}

function isGate(value: unknown): value is Gate {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((one: unknown) => {
    if (typeof one !== 'object' || one === null) return false;
    if (!('ratio' in one && 'allowance' in one)) return false;
    return [one.ratio, one.allowance].every((part) => typeof part === 'number' && part > 0);
  });
}

/** @returns the exit status. The last line says how many passed and failed. */
export async function runGate(context: Context, record: boolean): Promise<number> {
  const kinds = memoryKinds(context.limit).filter(({ name }) => /^(tnull|limit)$/.test(name));
  const measure = (names: readonly string[]): Promise<Row[]> =>
    measureSpeed(context, kinds, { cases: gateCases.filter(({ name }) => names.includes(name)) });
  const gate = parseGate(readFileSync(FILE, 'utf8'));
  const rows = await measure(gateCases.map(({ name }) => name));
  if (record) {
    writeGate(gate, rows);
    return 0;
  }
  const low = rows.map((row) => rule(gate, row)).filter(({ passed }) => !passed);
  for (const one of low) process.stdout.write(`again - ${rulingText(one)}\n`);
  const again = low.length === 0 ? [] : await measure(low.map(({ name }) => name));
  const rulings = rows.map((row) => rule(gate, joined(row, again.find(same(row)))));
  for (const one of rulings)
    process.stdout.write(`${one.passed ? 'ok' : 'not ok'} - ${rulingText(one)}\n`);
  const passed = rulings.filter((one) => one.passed).length;
  // Compared to the list of cases: a case that was never measured has failed.
  const failed = gateCases.length - passed;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

const same =
  ({ name }: Row) =>
  (other: Row): boolean =>
    other.name === name;

function rulingText({ name, ratio, floor }: Ruling): string {
  return `${name}: tnull / limit.c is ${ratio.toFixed(2)}, at least ${floor.toFixed(2)}`;
}

function writeGate(gate: Gate, rows: readonly Row[]): void {
  const lines = rows.map((row) => {
    const allowance = gate[row.name]?.allowance ?? ALLOWANCE;
    const ratio = bestRatio(row).toFixed(2);
    return `  ${JSON.stringify(row.name)}: { "ratio": ${ratio}, "allowance": ${allowance} }`;
  });
  writeFileSync(FILE, `{\n${lines.join(',\n')}\n}\n`);
  process.stdout.write(`bench/gate.json:\n${lines.join('\n')}\n`);
}
