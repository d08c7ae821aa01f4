/** Records the reports of a decoder of replies, so that tests can compare. */

import { ReplyDecoder, type ReplyForm, RequestHeader } from '../src/index.ts';

/** One thing told, in words; data of one chunk in one piece however they came. */
export type Told = readonly [what: string, cookie: number, ...facts: (number | string)[]];

export interface Decoded {
  readonly told: readonly Told[];
  readonly failure: string | undefined;
  /** The decoder stands between two replies. */
  readonly between: boolean;
}

/** A request in flight whose cookie is `cookieLow`. */
export function inFlight(command: number, cookieLow: number, offset: number, length: number) {
  const offsetHigh = Math.floor(offset / 2 ** 32);
  const offsetLow = offset % 2 ** 32;
  const fields = { command, cookieLow, offset, length, offsetHigh, offsetLow };
  return Object.assign(new RequestHeader(), fields);
}

/** Decodes `bytes` in pieces that end at `cuts`. */
export function decodeReplies(
  form: ReplyForm,
  requests: readonly RequestHeader[],
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): Decoded {
  const told: Told[] = [];
  const decoder = new ReplyDecoder(form, {
    find: (high, low) => requests.find((one) => one.cookieHigh === high && one.cookieLow === low),
    data: ({ cookieLow }, delta, from, start, end) => {
      const hex = Buffer.from(from.subarray(start, end)).toString('hex');
      const last = told.at(-1);
      const goesOn =
        last?.[0] === 'data' &&
        last[1] === cookieLow &&
        Number(last[2]) + String(last[3]).length / 2 === delta;
      if (goesOn) told[told.length - 1] = ['data', cookieLow, Number(last[2]), last[3] + hex];
      else told.push(['data', cookieLow, delta, hex]);
    },
    hole: ({ cookieLow }, delta, length) => told.push(['hole', cookieLow, delta, length]),
    extent: ({ cookieLow }, id, length, high, low) =>
      told.push(['extent', cookieLow, id, length, high, low]),
    error: ({ cookieLow }, error, text, delta) =>
      told.push(['error', cookieLow, error, text, delta]),
    done: ({ cookieLow }) => told.push(['done', cookieLow]),
  });
  let at = 0;
  let failure: string | undefined;
  for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    failure = decoder.receive(bytes, at, Math.max(at, end));
    at = Math.max(at, end);
  }
  return { told, failure, between: decoder.between };
}
