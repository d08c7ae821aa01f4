/** The setting of a fault: four numbers, as values and as text. Does not know when a fault strikes.
 *  Source: driver.md section 7; parameters timeout, requeue and init_hctx. */

import { ErrnoError, shown } from './errors.ts';
import { parseExact, parseWithin } from './numbers.ts';

/** In the order in which the parameters name them. */
export const faultSettings = ['interval', 'probability', 'space', 'times'] as const;
export type FaultSetting = (typeof faultSettings)[number];
export type FaultSettings = Readonly<Record<FaultSetting, bigint>>;

/** Never strikes: probability 0. */
export const NO_FAULT: FaultSettings = { interval: 1n, probability: 0n, space: 0n, times: 1n };

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}
const UNSIGNED: Range = { min: 0n, max: 2n ** 64n - 1n };
const SIGNED: Range = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const ranges = {
  interval: UNSIGNED,
  probability: UNSIGNED,
  space: SIGNED,
  times: SIGNED,
} as const satisfies Record<FaultSetting, Range>;

/** The text of a parameter, `interval,probability,space,times`; undefined when it is none. */
export function parseFault(text: string): FaultSettings | undefined {
  const numbers = text.split(',').map(parseExact);
  const [interval, probability, space, times] = numbers;
  if (numbers.length !== faultSettings.length) return undefined;
  if (interval === undefined || probability === undefined) return undefined;
  if (space === undefined || times === undefined) return undefined;
  const settings = { interval, probability, space, times };
  const fits = faultSettings.every((one) => {
    const { min, max } = ranges[one];
    // A parameter's number must fit into JSON, too.
    return settings[one] >= min && settings[one] <= max && settings[one] < 2n ** 53n;
  });
  return fits ? settings : undefined;
}

/** What is written to the file of one number.
 *  @param said what the message begins with. @param file what the error is about.
 *  @throws ErrnoError EINVAL, ERANGE. */
export function parseFaultNumber(
  setting: FaultSetting,
  text: string,
  said = `${setting}: `,
  file: string = setting,
): bigint {
  const { min, max } = ranges[setting];
  const word = text.endsWith('\n') ? text.slice(0, -1) : text;
  const value = parseWithin(word, min, max);
  if (typeof value === 'bigint') return value;
  const sign = min === 0n ? 'an unsigned' : 'a';
  const rule =
    value === 'EINVAL' ? `${sign} number: decimal, 0x hexadecimal or 0 octal` : `${min}..${max}`;
  throw new ErrnoError(value, `${said}${shown(word)}: must be ${rule}`, file);
}

/** As a parameter's text. */
export function faultText(settings: FaultSettings): string {
  return faultSettings.map((one) => settings[one]).join(',');
}
