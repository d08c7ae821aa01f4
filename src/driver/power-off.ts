/** Requests in flight when a device's power goes off: they end; a user who waits too long is told what for;
 *  by force they fail. Source: driver.md section 1 (power); control.md section 2. */

import type { RequestQueue } from '../block/request-queue.ts';
import { Status } from '../block/status.ts';
import { tnullCommand } from '../config/shell-word.ts';
import type { Clock } from '../time/clock.ts';
import type { Slicer } from '../time/slicer.ts';
import { Timer } from '../time/timer-queue.ts';
import type { Nanoseconds } from '../units.ts';
import type { NullData } from './completion.ts';
import { requestsOf } from './device-stats.ts';
import type { DeviceContext } from './parts.ts';
import type { PoweredDevice } from './powered-device.ts';

/** A user who waits this long is told what for. */
const SAY_AFTER_NS = 5e9;

/** Has the device's clients. */
export interface PowerOffHost {
  /** The device is not served any more. Resolves when the last request of its clients has ended. */
  removed(): Promise<void>;
  /** The remaining clients end soon, with or without their replies. */
  hurry(): void;
}

/** What is in flight, such as `3 requests in flight (2 read, 1 write), the oldest for 6.2 s`. Empty:
 *  nothing. */
export function inFlightText(queue: RequestQueue<NullData>, clock: Clock): string {
  const requests = [...requestsOf(queue, clock)].flat();
  if (requests.length === 0) return queue.busy ? 'requests in flight between two slices' : '';
  const byCommand = new Map<string, number>();
  let oldest = 0;
  for (const { command, ageNs } of requests) {
    byCommand.set(command, (byCommand.get(command) ?? 0) + 1);
    oldest = Math.max(oldest, ageNs);
  }
  const what = requests.length === 1 ? 'request' : 'requests';
  const commands = [...byCommand].map(([command, count]) => `${count} ${command}`).join(', ');
  const seconds = (oldest / 1e9).toFixed(1);
  return `${requests.length} ${what} in flight (${commands}), the oldest for ${seconds} s`;
}

/** Lets everything in flight end, and removes all obstacles. */
export async function letEnd(
  name: string,
  powered: PoweredDevice,
  context: DeviceContext,
  host: PowerOffHost,
): Promise<void> {
  const { queue } = powered.disk;
  const timer = new Timer({
    timerExpired: () => {
      const what = inFlightText(queue, context.clock) || 'its clients to go';
      const force = tnullCommand(['set', name, 'power=0'], ['--force']);
      const how = `to fail what is in flight: ${force}`;
      context.warn?.(`${name}: power off waits for ${what}; ${how}`);
    },
  });
  context.timers.start(timer, (context.clock.now() + SAY_AFTER_NS) as Nanoseconds); // a time plus a duration
  powered.throttle?.stop();
  queue.startHwQueues();
  await Promise.all([host.removed(), powered.requests.close()]);
  await queue.whenIdle();
  context.timers.cancel(timer);
}

/** Fails with ENODEV everything in flight, in slices, and from now on everything new. Data that are being
 *  sent to a client end with the client: PowerOffHost.hurry. */
export function failAll({ disk }: PoweredDevice, slicer: Slicer): void {
  // At once: held requests must not succeed after the obstacles are gone.
  disk.queue.refuse(Status.OFFLINE);
  void slicer.run(disk.queue.giveUp(Status.OFFLINE));
}
