/** Events as curl reads them, while clients of both Debians come, get errors and go. Source: docs/events.md. */

import { describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

/** Reads once where it must fail. */
const CLIENT = `
import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
try:
    h.pread(4096, 8 * 512)
except nbd.Error as error:
    print(error.errno)
h.shutdown()
`;

describe.each([1, 2])('--threads %i', (threads) => {
  describeEachDebian(({ python, start }) => {
    test('a client comes, gets an error and goes', async () => {
      const tnull = await startTnull(['--threads', String(threads), 'memory_backed=1', 'size=64']);
      const url = 'http://localhost/v1/events?device=nullb0';
      const curl = start('curl', ['-sN', '--unix-socket', tnull.control, url]);
      let text = '';
      curl.stdout?.on('data', (part) => {
        text += part;
      });
      await until(() => text.includes('retry: '));
      await tnull.command('set', 'nullb0', 'badblocks=+8-8');
      expect(await python(CLIENT, tnull.uriOf('nullb0'))).toBe('EIO\n');
      await until(() => text.includes('event: disconnected'));
      curl.kill();
      const types = Array.from(text.matchAll(/^event: (.*)$/gm), ([, type]) => type);
      expect(types).toEqual(['attributes', 'connected', 'error', 'disconnected']);
      const [, , error] = Array.from(text.matchAll(/^data: (.*)$/gm), ([, data = '']) =>
        JSON.parse(data),
      );
      expect(error).toMatchObject({ op: 'read', offset: 4096, bytes: 4096, errno: 'EIO' });
      expect(await tnull.stop()).toBe(0);
    });
  });
});
