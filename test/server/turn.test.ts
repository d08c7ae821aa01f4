import { expect, test } from 'vitest';
import { Turn } from '../../src/server/turn.ts';
import { Deferred } from '../../src/time/deferred.ts';

function turning() {
  const turn = new Turn(new Deferred());
  const rests: boolean[] = [];
  turn.onRest = (lookAgain) => void rests.push(lookAgain);
  const output = { listed: false, flushes: 0, flush: () => void output.flushes++ };
  const reply = (requests?: number): number => {
    turn.unsent(output);
    turn.end(requests);
    return output.flushes;
  };
  return { turn, rests, output, reply };
}

test('the reply to one request is sent at once', () => {
  const { reply, rests } = turning();
  expect(reply(1)).toBe(1);
  expect(reply(1)).toBe(2);
  expect(rests).toEqual([false, false]);
});

test('replies to several wait until a look at the sockets brought nothing', () => {
  const { reply, turn, output, rests } = turning();
  expect(reply(3)).toBe(0);
  turn.end(); // the look that was due already
  expect(output.flushes).toBe(0);
  expect(reply(1)).toBe(0); // more came: wait for the next look
  turn.end();
  turn.end();
  expect(output.flushes).toBe(1);
  expect(rests).toEqual([true, true, true, true, false]);
});

test('but not for more than eight', () => {
  const { reply } = turning();
  expect(reply(4)).toBe(0);
  expect(reply(4)).toBe(1);
  expect(reply(20)).toBe(2);
});

test('an output is flushed once a turn, however often it has something to say', () => {
  const { turn, output } = turning();
  turn.unsent(output);
  turn.unsent(output);
  turn.end();
  turn.end();
  expect(output.flushes).toBe(1);
});
