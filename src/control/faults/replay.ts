/** From the lines of a log to what a replay strikes. Source: faults.md section 2 (replay). */

import { ErrnoError } from '../../config/errors.ts';
import { EXHAUSTED } from '../../rules/fault-log.ts';
import { type ReplayEntry, ReplayLog } from '../../rules/replay-log.ts';
import type { Work } from '../../time/slicer.ts';

/** How much of a log becomes text at a time: some 20 us. */
const PART_BYTES = 2 << 10;
/** No entry is longer. */
const LINE_CHARS_MAX = 64 << 10;

/** @param pieces the log as it arrived. @param device a log may have several devices: entries of the others
 *  are left out. @throws ErrnoError that names the line. */
export function* replayLog(pieces: readonly Uint8Array[], device: string): Work<ReplayLog> {
  const decoder = new TextDecoder('utf-8');
  const log = new ReplayLog();
  let rest = '';
  let number = 0;
  const take = (line: string): void => {
    number++;
    const entry = entryOf(line, number, device);
    if (entry !== undefined) log.add(entry);
  };
  for (const part of partsOf(pieces)) {
    const lines = `${rest}${decoder.decode(part, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
    if (rest.length > LINE_CHARS_MAX) throw noEntry(number + 1);
    yield;
  }
  take(rest);
  return log;
}

function* partsOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += PART_BYTES) yield piece.subarray(at, at + PART_BYTES);
  }
}

function entryOf(line: string, number: number, device: string): ReplayEntry | undefined {
  if (line.trim() === '') return undefined;
  const given = parsed(line);
  if (typeof given !== 'object' || given === null) throw noEntry(number);
  if ('device' in given && given.device !== device) return undefined;
  if ('action' in given && given.action === EXHAUSTED) return undefined;
  const { rule, op, sector, occurrence } = { rule: 0, op: 0, sector: '', occurrence: '', ...given };
  const isFine =
    typeof rule === 'string' &&
    typeof op === 'string' &&
    Number.isSafeInteger(sector) &&
    Number.isSafeInteger(occurrence);
  if (!isFine) throw noEntry(number);
  return { rule, op, sector: Number(sector), occurrence: Number(occurrence) };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function noEntry(number: number): ErrnoError {
  const fields = 'rule, op, sector and occurrence';
  return new ErrnoError('EINVAL', `line ${number}: an entry of a log has ${fields}`);
}
