/** The part of a device that its map shows. Knows no document. */

export interface View {
  /** A sector. */
  readonly from: number;
  readonly sectors: number;
}

/** Fewer sectors cannot be seen apart any better. */
const SECTORS_MIN = 8;

/** The part `factor` times as long, about the middle of `picked`, or of what was seen.
 *  @param all the sectors of the device. */
export function zoomed(
  { from, sectors }: View,
  all: number,
  factor: number,
  picked: readonly [number, number] | undefined,
): View {
  const length = Math.max(Math.min(all, SECTORS_MIN), Math.min(all, Math.round(sectors * factor)));
  const isSeen = picked !== undefined && picked[1] >= from && picked[0] < from + sectors;
  const middle = isSeen ? (picked[0] + picked[1] + 1) / 2 : from + sectors / 2;
  const begin = Math.floor(middle - length / 2);
  return { from: Math.max(0, Math.min(all - length, begin)), sectors: length };
}
