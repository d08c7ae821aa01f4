/** What the service manager gets, and behaviour without one. With the real systemd-notify:
 *  test/system/notify.test.ts. Source: sd_notify(3). */

import { expect, test } from 'vitest';
import { takeNotifier } from '../../src/cli/notify.ts';

test('without NOTIFY_SOCKET nothing is started', async () => {
  const environment = { PATH: '/nonexistent' };
  const lines: string[] = [];
  const notifier = takeNotifier(environment, (line) => lines.push(line));
  await notifier.tell('READY=1');
  expect(lines).toEqual([]);
});

test('without systemd-notify one line says so, and it goes on', async () => {
  const environment = { PATH: '/nonexistent', NOTIFY_SOCKET: '/nonexistent' };
  const lines: string[] = [];
  const notifier = takeNotifier(environment, (line) => lines.push(line));
  expect(environment).toEqual({ PATH: '/nonexistent' });
  await notifier.tell('READY=1');
  await notifier.tell('STOPPING=1');
  expect(lines).toEqual([
    'NOTIFY_SOCKET is set, but systemd-notify is not installed: the service manager hears nothing',
  ]);
});
