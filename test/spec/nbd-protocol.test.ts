/** The tables of docs/spec/nbd-protocol.md are those of the code. */

import * as protocol from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { rows } from '../../src/export/rules.ts';
import { clientLimits } from '../../src/server/client-limits.ts';
import { limits } from '../../src/server/limits.ts';
import { MiB } from '../../src/units.ts';
import { numbersIn, specification, table } from './tables.ts';

const text = specification('nbd-protocol');
const words = text.replace(/\s+/g, ' ');
const ERROR = 0x8000_0000;

/** `of` without those names, which tnull knows in order to refuse them, and with `prefix` taken off. */
function without(of: Readonly<Record<string, number>>, ...names: readonly string[]) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => !names.includes(name)));
}

function replies(isError: boolean): Record<string, number> {
  const some = Object.entries(protocol.OptionReply).filter(
    ([, value]) => value >= ERROR === isError,
  );
  return Object.fromEntries(
    some.map(([name, value]) => [name.replace(/^ERR_/, ''), value % ERROR]),
  );
}

describe('section 1', () => {
  const kinds = new Map(
    table(text, 'kind', 'values').map(([kind = '', values = '']) => [kind, values]),
  );

  test.each<[string, Readonly<Record<string, number>>]>([
    ['handshake flags', protocol.HandshakeFlag],
    ['options', without(protocol.Option, 'PEEK_EXPORT')],
    ['option replies', replies(false)],
    ['option errors', replies(true)],
    ['info types', protocol.InfoType],
    ['transmission flags', without(protocol.TransmissionFlag, 'SEND_RESIZE')],
    ['commands', protocol.Command],
    ['command flags', protocol.CommandFlag],
    ['chunk types', protocol.ChunkType],
    ['errors', protocol.nbdErrorNumbers],
  ])('%s', (kind, of) => {
    expect(numbersIn(kinds.get(kind) ?? '')).toEqual(of);
  });

  test('there is no other kind', () => {
    expect(kinds.size).toBe(10);
  });

  test('magics', () => {
    const told = Object.fromEntries(
      table(text, 'what', 'value').map(([what = '', value]) => [what, BigInt(value ?? 0)]),
    );
    const whole = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
    expect(told).toEqual({
      '`NBDMAGIC`': whole(protocol.NBDMAGIC_HIGH, protocol.NBDMAGIC_LOW),
      '`IHAVEOPT`': whole(protocol.IHAVEOPT_HIGH, protocol.IHAVEOPT_LOW),
      'option reply': whole(protocol.OPTION_REPLY_MAGIC_HIGH, protocol.OPTION_REPLY_MAGIC_LOW),
      request: BigInt(protocol.REQUEST_MAGIC),
      'simple reply': BigInt(protocol.SIMPLE_REPLY_MAGIC),
      'structured reply chunk': BigInt(protocol.STRUCTURED_REPLY_MAGIC),
      'extended request': BigInt(protocol.EXTENDED_REQUEST_MAGIC),
      'extended reply chunk': BigInt(protocol.EXTENDED_REPLY_MAGIC),
    });
  });
});

test('section 2: the limits of a handshake', () => {
  const { optionBytes, optionBytesDrained, bytesInAll, options } = protocol.handshakeLimits;
  const { optionsPerExport, bytesPerExport, outputBytes, contextQueries } =
    protocol.handshakeLimits;
  expect(words).toContain(`More than ${optionBytes.max / 1024} KiB of data: TOO_BIG`);
  expect(words).toContain(
    `more than ${optionBytesDrained.max / MiB} MiB of data in one option, ${bytesInAll.max / MiB} MiB in all, ` +
      `${options.max} options (for each export ${bytesPerExport.max / 1024} KiB and ${optionsPerExport.max} ` +
      `options more), or ${outputBytes.max / MiB} MiB of answers`,
  );
  expect(words).toContain(`more than ${contextQueries.max} queries: TOO_BIG`);
});

describe('section 3.2', () => {
  const told = table(text, 'command', 'flags');

  test('has a row for each command but RESIZE, which is refused', () => {
    const known = Object.keys(protocol.Command).filter((name) => name !== 'RESIZE');
    expect(told.map(([name]) => name).toSorted()).toEqual(known.toSorted());
  });

  test.each(told.filter(([name]) => name !== 'DISC'))(
    '%s: its flags and its errors',
    (name = '', flags = '', errors = '') => {
      const number = Object.entries(protocol.Command).find(([one]) => one === name)?.[1] ?? -1;
      const row = rows[number];
      const allowed = Object.entries(protocol.CommandFlag).filter(
        ([, bit]) => ((row?.flags ?? 0) & bit) !== 0,
      );
      expect(flags.split(', ').toSorted()).toEqual(allowed.map(([flag]) => flag).toSorted());
      for (const refusal of [row?.beyondEnd, row?.empty, row?.tooLong]) {
        const code = Object.entries(protocol.nbdErrorNumbers).find(
          ([, error]) => error === refusal?.error,
        )?.[0];
        if (code !== undefined) expect(errors).toContain(code);
      }
      expect(errors.includes('EPERM')).toBe(row?.writes);
    },
  );

  test('the limits on payloads', () => {
    expect(words).toContain(
      `up to ${limits.payloadDrained.max / MiB} MiB of it; more ends the connection`,
    );
    expect(words).toContain(`but not up to ${limits.payloadNoAttack.max / MiB} MiB`);
    expect(clientLimits.payload.default).toBe(64 * MiB); // 33 and 64 MiB are executed: section 7
  });
});
