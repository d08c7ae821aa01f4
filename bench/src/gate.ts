/** What CI runs: tnull / limit.c in the same run, against ratios that a quiet machine has reached. A
 *  case that falls below its part of them is measured once more before it fails. Never absolute times. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateCases } from './cases.ts';
import type { Context } from './group.ts';
import { measureSpeed } from './groups/speed.ts';
import { checkout, memoryKinds } from './kinds.ts';
import { ProgramError } from './processes.ts';
import { type Row, ratio } from './rows.ts';

const FILE = join(checkout, 'bench', 'gate.json');

export interface Gate {
  /** The part of a recorded ratio that must be reached. */
  readonly allowance: number;
  /** tnull / limit.c of each case, on a quiet machine. */
  readonly ratios: Readonly<Record<string, number>>;
}

export interface Ruling {
  readonly name: string;
  readonly ratio: number;
  readonly floor: number;
  readonly passed: boolean;
}

/** @throws ProgramError when a case has no recorded ratio. */
export function rule({ allowance, ratios }: Gate, row: Row): Ruling {
  const recorded = ratios[row.name];
  if (recorded === undefined) throw new ProgramError(`bench/gate.json has no '${row.name}'`);
  const found = ratio(row, ['tnull', 'limit']);
  const floor = allowance * recorded;
  // Also false for NaN: what was not measured has not passed.
  return { name: row.name, ratio: found, floor, passed: found >= floor };
}

/** @throws ProgramError when it is no gate. */
export function parseGate(text: string): Gate {
  const parsed: unknown = JSON.parse(text);
  if (!isGate(parsed)) throw new ProgramError('bench/gate.json: wants an allowance and ratios');
  return parsed;
}

function isGate(value: unknown): value is Gate {
  if (typeof value !== 'object' || value === null) return false;
  if (!('allowance' in value && 'ratios' in value)) return false;
  const { allowance, ratios } = value;
  if (typeof ratios !== 'object' || ratios === null) return false;
  const numbers: unknown[] = [allowance, ...Object.values(ratios)];
  return numbers.every((one) => typeof one === 'number' && one > 0);
}

/** @returns the exit status. The last line says how many passed and failed. */
export async function runGate(context: Context, record: boolean): Promise<number> {
  const kinds = memoryKinds(context.limit).filter(({ name }) => /^(tnull|limit)$/.test(name));
  const measure = (names: readonly string[]): Promise<Row[]> =>
    measureSpeed(context, kinds, { cases: gateCases.filter(({ name }) => names.includes(name)) });
  const gate = parseGate(readFileSync(FILE, 'utf8'));
  const rows = await measure(gateCases.map(({ name }) => name));
  if (record) {
    writeGate(gate.allowance, rows);
    return 0;
  }
  const first = rows.map((row) => rule(gate, row));
  const low = first.filter(({ passed }) => !passed);
  for (const one of low) process.stdout.write(`again - ${rulingText(one)}\n`);
  const second =
    low.length === 0
      ? []
      : (await measure(low.map(({ name }) => name))).map((row) => rule(gate, row));
  const rulings = [...first.filter(({ passed }) => passed), ...second];
  for (const one of rulings)
    process.stdout.write(`${one.passed ? 'ok' : 'not ok'} - ${rulingText(one)}\n`);
  const passed = rulings.filter((one) => one.passed).length;
  // Against the list of cases: one that was never measured has failed.
  const failed = gateCases.length - passed;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function rulingText({ name, ratio, floor }: Ruling): string {
  return `${name}: tnull / limit.c is ${ratio.toFixed(2)}, at least ${floor.toFixed(2)}`;
}

function writeGate(allowance: number, rows: readonly Row[]): void {
  const ratios = Object.fromEntries(
    rows.map((row) => [row.name, Number(ratio(row, ['tnull', 'limit']).toFixed(2))]),
  );
  writeFileSync(FILE, `${JSON.stringify({ allowance, ratios }, undefined, 2)}\n`);
  process.stdout.write(`bench/gate.json: ${JSON.stringify(ratios)}\n`);
}
