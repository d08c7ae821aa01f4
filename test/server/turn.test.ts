import { expect, test } from 'vitest';
import { Turn } from '../../src/server/turn.ts';
import { Deferred } from '../../src/time/deferred.ts';

function turning() {
  const deferred = new Deferred();
  const turn = new Turn(deferred);
  const rests: boolean[] = [];
  turn.onRest = (lookAgain) => void rests.push(lookAgain);
  const output = { listed: false, flushes: 0, flush: () => void output.flushes++ };
  const reply = (requests?: number): number => {
    turn.unsent(output);
    turn.end(requests);
    return output.flushes;
  };
  return { turn, deferred, rests, output, reply };
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

test('work for the next turn comes behind the replies, and once for each look at the sockets', () => {
  const { turn, deferred, output, reply } = turning();
  const flushesBefore: number[] = [];
  const work = { raised: false, runDeferred: () => void flushesBefore.push(output.flushes) };
  deferred.raiseNextTurn(work);
  reply(1);
  expect(flushesBefore).toEqual([]); // what a socket has brought does not wait for it
  turn.unsent(output);
  turn.end();
  expect(flushesBefore).toEqual([2]);
  deferred.raiseNextTurn(work);
  reply(3);
  turn.end(); // replies are held: so is the work
  expect(flushesBefore).toEqual([2]);
  turn.end();
  expect(flushesBefore).toEqual([2, 3]);
});

test('what that work has to say is sent in the same turn', () => {
  const { turn, deferred, output } = turning();
  deferred.raiseNextTurn({ raised: false, runDeferred: () => turn.unsent(output) });
  turn.end();
  expect(output.flushes).toBe(1);
});

test('an end inside of a turn that ends leaves all work and all replies to that one', () => {
  const { turn, deferred, output, rests } = turning();
  let done = 0;
  const work = () => ({ raised: false, runDeferred: () => void done++ });
  // Bytes that waited in TLS come as soon as there is room for them: while a turn ends.
  const brings = {
    raised: false,
    runDeferred() {
      for (let n = 0; n < 12; n++) deferred.raise(work());
      turn.unsent(output);
      turn.end(1);
      for (let n = 0; n < 12; n++) deferred.raise(work());
    },
  };
  for (let n = 0; n < 3; n++) deferred.raise(work());
  deferred.raise(brings);
  for (let n = 0; n < 3; n++) deferred.raise(work());
  turn.end();
  expect(done).toBe(30);
  expect(output.flushes).toBe(1);
  expect(rests).toHaveLength(1);
});

test('what is raised again and again around an end inside of a turn is done in the end', () => {
  const { turn, deferred, rests } = turning();
  let left = 40;
  const piece = {
    raised: false,
    runDeferred() {
      if (--left > 0) deferred.raise(piece);
      turn.end();
    },
  };
  deferred.raise(piece);
  for (let turns = 0; turns < 40 && left > 0; turns++) turn.end();
  expect(left).toBe(0);
  expect(rests.length).toBeLessThan(10);
});

test('what the last replies of a turn leave to be sent has another turn', () => {
  const { turn, rests } = turning();
  let flushes = 0;
  const again = {
    listed: false,
    flush() {
      if (++flushes < 12) turn.unsent(again);
    },
  };
  turn.unsent(again);
  turn.end();
  expect(rests).toEqual([true]);
});

test('a turn that a bug ends early is no end of all turns', () => {
  const { turn, deferred, reply } = turning();
  deferred.raise({
    raised: false,
    runDeferred() {
      throw new Error('a bug');
    },
  });
  expect(() => turn.end()).toThrow('a bug');
  expect(reply(1)).toBe(1);
});
