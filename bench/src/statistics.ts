/** What a few noisy numbers mean: middle, noise, and whether two series differ. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** How far the rounds lie apart: (largest - smallest) / |median|; 0 for one round. */
export function noise(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const spread = Math.max(...values) - Math.min(...values);
  return spread === 0 ? 0 : spread / Math.abs(median(values));
}

/** The median distance from the median, scaled to be the standard deviation of normal noise. */
export function deviation(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

/** Fewer rounds cannot tell a difference from chance: all five on one side happen once in 16 times. */
export const ROUNDS_TO_JUDGE = 5;
/** A smaller difference is never reported: two builds of one source differ as much. */
const LEAST_DIFFERENCE = 0.02;

export interface Difference {
  /** The median of the rounds' own ratios; a round's two measurements are neighbours in time. */
  readonly ratio: number;
  /** (largest - smallest) / median of these ratios. */
  readonly noise: number;
  /** Beyond the noise: each round says the same, and the median is two standard errors from 1. */
  readonly verdict: 'more' | 'less' | 'same' | 'too few rounds';
}

/** @param after and `before` hold one value for each round, in the order of the rounds. */
export function difference(after: readonly number[], before: readonly number[]): Difference {
  const ratios = after.map((value, round) => value / (before[round] ?? Number.NaN));
  const ratio = median(ratios);
  const found = { ratio, noise: noise(ratios) };
  if (ratios.length < ROUNDS_TO_JUDGE) return { ...found, verdict: 'too few rounds' };
  const oneSided = ratios.every((one) => one > 1) || ratios.every((one) => one < 1);
  const standardError = (1.2533 * deviation(ratios)) / Math.sqrt(ratios.length);
  const beyond = Math.abs(ratio - 1) > Math.max(LEAST_DIFFERENCE, 2 * standardError);
  if (!(oneSided && beyond)) return { ...found, verdict: 'same' };
  return { ...found, verdict: ratio > 1 ? 'more' : 'less' };
}
