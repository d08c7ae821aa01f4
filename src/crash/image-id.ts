/** Names of images: MODEL.INSTANT.RANK, the rank in base 36. Source: docs/crash.md, Ids. */

import { isModel, type Model, models } from './models.ts';

export interface ImageId {
  readonly model: Model;
  readonly instant: number;
  readonly rank: bigint;
}

const RADIX = 36;

export function idText({ model, instant, rank }: ImageId): string {
  return `${model}.${instant}.${rank.toString(RADIX)}`;
}

/** @returns undefined when the text is no name of an image. */
export function parseId(text: string): ImageId | undefined {
  const [, model = '', instant = '', rank = ''] =
    /^([a-z]+)\.(\d{1,9})\.([0-9a-z]+)$/.exec(text) ?? [];
  if (!isModel(model)) return undefined;
  return { model, instant: Number(instant), rank: fromDigits(rank) };
}

export const ID_RULE = `must be MODEL.INSTANT.RANK, as in torn.0.1z; MODEL is one of ${models.join(', ')}`;

/** In halves: digit by digit, long ranks would take for ever. */
function fromDigits(digits: string): bigint {
  if (digits.length <= 8) return BigInt(Number.parseInt(digits, RADIX));
  const low = digits.length >>> 1;
  const [high, rest] = [digits.slice(0, digits.length - low), digits.slice(digits.length - low)];
  return fromDigits(high) * BigInt(RADIX) ** BigInt(low) + fromDigits(rest);
}
