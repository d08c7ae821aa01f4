/** The daemon of the fuzzer and of the soak test is there when its start says so, and what it said when it
 *  did not start is told. */

import { expect, test } from 'vitest';
import { kinds, Tnull } from './daemon.ts';

/** What the program loads first: its control socket, the last to come, comes late. */
const late = `
import { Server } from 'node:net';
const { listen } = Server.prototype;
Server.prototype.listen = function (...words) {
  const path = words[0]?.path ?? words[0];
  if (!String(path).endsWith('/c')) return listen.apply(this, words);
  setTimeout(() => listen.apply(this, words), 200);
  return this;
};
`;

test('a control socket that comes long after the other one is waited for', async () => {
  const flag = `--import=data:text/javascript,${encodeURIComponent(late)}`;
  const tnull = await Tnull.start(kinds.slice(0, 1), [flag]);
  const { status, text } = await tnull.call('GET', '/v1/devices');
  expect([status, text]).toEqual([200, expect.stringContaining('"plain"')]);
  expect(await tnull.stop()).toBe(0);
});

test('a daemon that ends before it is ready is an error of what it said', async () => {
  await expect(Tnull.start([], ['--no-such-flag-of-node'])).rejects.toThrow(/no-such-flag-of-node/);
});
