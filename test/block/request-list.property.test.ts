/** Lists of requests against an array; and a batch of which the driver takes what it can.
 *  rnull-series 64 to 66. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { Operations } from '../../src/block/operations.ts';
import { RequestList } from '../../src/block/request-list.ts';
import { Status } from '../../src/block/status.ts';
import { bug } from '../../src/units.ts';
import { makeDisk, read, World } from './world.ts';

const idle: Operations = { makeRequestData: () => undefined, queueRq: () => Status.OK };

const operation = fc.constantFrom('push', 'unshift', 'shift', 'append');

test('a list of requests does what an array does', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const { set } = makeDisk(new World(), idle, { depth: 64 });
      const list = new RequestList<DriverData>(set.handles);
      const other = new RequestList<DriverData>(set.handles);
      const model: number[] = [];
      const left = [...set.requests];
      for (const name of operations) {
        const next = left.shift() ?? bug('no request left');
        switch (name) {
          case 'push':
            list.push(next);
            model.push(next.tag);
            break;
          case 'unshift':
            list.unshift(next);
            model.unshift(next.tag);
            break;
          case 'shift':
            expect(list.shift()?.tag).toBe(model.shift());
            break;
          case 'append':
            other.push(next);
            list.append(other);
            model.push(next.tag);
            expect(other.count).toBe(0);
            break;
        }
        expect(list.count).toBe(model.length);
      }
      for (const tag of model) expect(list.shift()?.tag).toBe(tag);
      expect(list.shift()).toBeUndefined();
    }),
  );
});

test('one wake-up is one list; what queueRqs leaves in it comes one by one, then, in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(16), fc.boolean(), (size, room, back) => {
      const taken: number[] = [];
      const single: { sector: number; isLast: boolean }[] = [];
      const lists: number[] = [];
      const { hctx } = makeDisk(
        new World(),
        {
          makeRequestData: () => undefined,
          queueRq(request, isLast) {
            single.push({ sector: request.sector(), isLast });
            request.start().endOk();
            return Status.OK;
          },
          queueRqs(requests) {
            lists.push(requests.count);
            for (let n = 0; n < room; n++) {
              const next = requests.take();
              if (next === undefined) return;
              taken.push(next.sector());
              next.start().endOk();
            }
            const refused = back ? requests.take() : undefined;
            if (refused !== undefined) requests.putBack(refused);
          },
        },
        { depth: 16 },
      );
      const bios = Array.from({ length: size }, (_, at) => read(at));
      for (const { bio } of bios) hctx.submit(bio);
      hctx.unplug();
      expect(lists).toEqual([size]);
      expect(taken.length).toBe(Math.min(size, room));
      const order = [...taken, ...single.map(({ sector }) => sector)];
      expect(order).toEqual(bios.map((_, at) => at));
      expect(single.map(({ isLast }) => isLast)).toEqual(
        single.map((_, at) => at === single.length - 1),
      );
      expect(bios.map(({ ends }) => ends)).toEqual(bios.map(() => 1));
    }),
  );
});
