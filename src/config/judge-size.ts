/** How large a device is, and the rules of a size in bytes.
 *  Source: nbd-protocol.md sections 2.2 and 3.4; docs/running.md, "Exact and huge sizes". */
import { EXACT_MAX, MiB } from '../units.ts';
import type { Case } from './case.ts';
import type { OptionValues } from './parameters.ts';

type Sized = Pick<OptionValues, 'size' | 'size_bytes' | 'bs'>;

/** Bytes of the device, as its clients see them: a bigint where a number may not hold them. */
export function sizeOf({ size, size_bytes: exact }: Sized): number | bigint {
  if (exact === 0n) return size * MiB;
  return exact < EXACT_MAX ? Number(exact) : exact;
}

/** Bytes of the whole blocks that such a device is made of. */
export function wholeBlocks(values: Sized): bigint {
  const block = BigInt(values.bs);
  return ((BigInt(sizeOf(values)) + block - 1n) / block) * block;
}

/** True when it has offsets that a double cannot hold. */
export function isHuge(values: Sized): boolean {
  return wholeBlocks(values) >= EXACT_MAX;
}

/** Judges size_bytes. Its own range and the block size have been judged. */
export function judgeSize(one: Case): void {
  const { values } = one;
  if (values.size_bytes === 0n) return;
  if (isHuge(values)) {
    for (const option of ['memory_backed', 'zoned', 'journal'] as const) {
      if (!values[option]) continue;
      throw one.refusal('size_bytes', `must be below 2^53 (bytes) with ${one.said(option)}`);
    }
  }
  if (values.size_bytes % BigInt(values.bs) === 0n) return;
  const multiple = `must be a multiple of ${one.said('bs')} with`;
  if (values.zoned) throw one.refusal('size_bytes', `${multiple} ${one.said('zoned')}`);
  if (one.machine.wholeBlocks === true) {
    throw one.refusal('size_bytes', `${multiple} alignment=error`);
  }
}
