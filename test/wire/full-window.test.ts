/** Clients that send more than is read at once while hardly any tag is free: the receive window is full,
 *  or ends at its end, whenever the socket asks for a place for its next bytes. */

import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { FormClient } from './form-client.ts';
import { serve, WARN } from './served.ts';

const FEW_TAGS = ['size=16', 'memory_backed=1', 'hw_queue_depth=1', 'no_sched=1'];
/** Of an extended request, and of its reply when it has no data. */
const REQUEST_BYTES = 32;
/** Several windows of 256 KiB. */
const REQUESTS = 5 * 8192;

test.each([['irqmode=0'], ['irqmode=1'], ['requeue=7,100,0,-1']])(
  'requests that fill the window to its last byte are all answered (%s)',
  async (way) => {
    const { path, log } = await serve(...FEW_TAGS, way);
    const client = await FormClient.open(path, { form: 'extended' });
    const ask = { command: Command.WRITE_ZEROES, offset: 4096, length: 512 };
    client.wire.send(Buffer.alloc(REQUESTS * REQUEST_BYTES, client.bytesOf(ask)));
    const replies = await client.wire.read(REQUESTS * REQUEST_BYTES);
    const one = replies.subarray(0, REQUEST_BYTES);
    expect(replies.equals(Buffer.alloc(replies.length, one))).toBe(true);
    expect(one.readUInt16BE(6)).toBe(0); // a chunk of no type: it went well
    expect(log.filter(({ level }) => level >= WARN)).toEqual([]);
  },
);

test('writes of a block each, and reads of what they wrote, too', async () => {
  const { path } = await serve(...FEW_TAGS, 'irqmode=1', 'submit_queues=2');
  const client = await FormClient.open(path, { form: 'simple' });
  const block = (at: number): Buffer => Buffer.alloc(4096, at % 251);
  const count = 300;
  for (let at = 0; at < count; at++) {
    const length = at % 3 === 0 ? 512 : 4096;
    const where = { offset: at * 4096, length };
    client.send({ command: Command.WRITE, ...where }, block(at).subarray(0, length));
  }
  for (let at = 0; at < count; at++) expect((await client.wire.reply()).error).toBe(0);
  for (let at = 0; at < count; at += 37) {
    const length = at % 3 === 0 ? 512 : 4096;
    expect(await client.read(at * 4096, length)).toEqual(block(at).subarray(0, length));
  }
});
