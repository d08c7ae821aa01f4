/** The rules of a zoned device's layout and limits, in the order of driver.md sections 1 and 6. */
import { MiB, SECTOR_BYTES } from '../units.ts';
import type { Case } from './case.ts';
import { sizeOf } from './judge-size.ts';

/** Judges zone_*, when the device is zoned. Its capacity and block size have been judged. */
export function judgeZones(one: Case): void {
  if (!one.values.zoned) return;
  judgeLayout(one);
  const zones = Math.ceil(mebibytes(one) / one.values.zone_size);
  if (one.values.zone_nr_conv >= zones) {
    one.become('zone_nr_conv', zones - 1, `one of the ${zones} zones must be sequential`);
  }
  judgeLimits(one, zones - one.values.zone_nr_conv);
  const perBlock = one.values.bs / SECTOR_BYTES;
  const asked = one.values.zone_append_max_sectors;
  const capacity = (one.values.zone_capacity * MiB) / SECTOR_BYTES;
  one.become('zone_append_max_sectors', Math.min(asked - (asked % perBlock), capacity));
}

/** @throws the voice's error when zones of this size and capacity cannot be laid out. */
function judgeLayout(one: Case): void {
  const { zone_size: length } = one.values;
  const size = mebibytes(one);
  const exact = one.values.size_bytes !== 0n;
  if (!Number.isInteger(Math.log2(length))) {
    throw one.refusal('zone_size', 'must be a power of two (MiB)');
  }
  if (length > size) {
    const said = exact ? one.said('size_bytes') : size;
    throw one.refusal('zone_size', `must be at most the capacity, ${said} (MiB)`);
  }
  if (one.values.zone_capacity === 0) one.become('zone_capacity', length);
  const capacity = one.values.zone_capacity;
  if (capacity > length) {
    throw one.refusal('zone_capacity', `must be at most ${one.said('zone_size')} (MiB)`);
  }
  if (capacity < length && size % length !== 0) {
    const why = `the last zone is short: ${one.said(exact ? 'size_bytes' : 'size')} is not a multiple of it`;
    throw one.refusal('zone_capacity', `must be ${one.said('zone_size')} (MiB), since ${why}`);
  }
}

/** The capacity, which need not be whole. Zoned devices have less than 2^53 bytes. */
function mebibytes(one: Case): number {
  return Number(sizeOf(one.values)) / MiB;
}

function judgeLimits(one: Case, sequential: number): void {
  const all = `there are only ${sequential} sequential zones`;
  if (one.values.zone_max_active >= sequential) one.become('zone_max_active', 0, all);
  const active = one.values.zone_max_active;
  if (active > 0 && one.values.zone_max_open > active) {
    one.become('zone_max_open', active, `at most ${one.said('zone_max_active')}`);
  } else if (one.values.zone_max_open >= sequential) {
    one.become('zone_max_open', 0, all);
  }
}
