/** `--read-only`: what an export offers then, and that nothing changes it, in each of the reply forms.
 *  Source: nbd-protocol.md sections 1 and 3.2. */

import { Command, CommandFlag, NbdError, TransmissionFlag } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { FormClient, forms } from './form-client.ts';
import { serveWith } from './served.ts';

const { READ, WRITE, TRIM, WRITE_ZEROES, FLUSH, CACHE, BLOCK_STATUS } = Command;
const T = TransmissionFlag;

const devices = {
  'null device': [],
  memory: ['memory_backed=1', 'discard=1'],
  cache: ['memory_backed=1', 'cache_size=1', 'rotational=1'],
  zones: ['memory_backed=1', 'zoned=1', 'zone_size=1'],
} as const;

describe.each(Object.entries(devices))('a read-only %s', (_, words) => {
  test('offers nothing that writes, but FLUSH and FUA, and several connections', async () => {
    const { path } = await serveWith({ readOnly: true }, 'size=4', ...words);
    const { flags } = await FormClient.open(path, { form: 'extended' });
    const offered = T.READ_ONLY | T.CAN_MULTI_CONN | T.SEND_FLUSH | T.SEND_FUA;
    expect(flags & offered).toBe(offered);
    expect(flags & (T.SEND_TRIM | T.SEND_WRITE_ZEROES | T.SEND_FAST_ZERO)).toBe(0);
  });

  test.each(forms)('refuses what writes with EPERM and goes on reading (%s)', async (form) => {
    const { path } = await serveWith({ readOnly: true }, 'size=4', ...words);
    const contexts = form === 'simple' ? [] : ['base:allocation'];
    const client = await FormClient.open(path, { form, contexts });
    for (const flags of [0, CommandFlag.FUA]) {
      const asked = { offset: 0, length: 65_536, flags };
      // The payload is taken, or the replies behind it would be out of step.
      const payload = new Uint8Array(65_536).fill(9);
      const replies = [
        await client.ask({ ...asked, command: WRITE }, payload),
        await client.ask({ ...asked, command: TRIM }),
        await client.ask({ ...asked, command: WRITE_ZEROES }),
      ];
      expect(replies.map(({ error }) => error)).toEqual(Array(3).fill(NbdError.EPERM));
      if (form !== 'simple') expect(replies[0]?.text).toBe('the export is read-only');
    }
    const before = words.some((word) => word === 'zoned=1') ? 0xff : 0;
    expect((await client.read(0, 65_536)).every((byte) => byte === before)).toBe(true);
    expect((await client.ask({ command: FLUSH })).error).toBe(0);
    expect((await client.ask({ command: FLUSH, flags: CommandFlag.FUA })).error).toBe(0);
    const read = { command: READ, length: 512, flags: CommandFlag.FUA };
    expect((await client.ask(read)).error).toBe(0);
    expect((await client.ask({ command: CACHE, length: 4096 })).error).toBe(0);
    const status = await client.ask({ command: BLOCK_STATUS, length: 4096 });
    expect(status.error).toBe(form === 'simple' ? NbdError.EINVAL : 0);
  });
});
