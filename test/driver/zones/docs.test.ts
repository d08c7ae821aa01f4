import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Command } from '../../../src/block/command.ts';
import { Status, statusErrno } from '../../../src/block/status.ts';
import { ZonedDevice } from './world.ts';

const text = readFileSync(new URL('../../../docs/zones.md', import.meta.url), 'utf8');

const commands = {
  open: Command.ZONE_OPEN,
  close: Command.ZONE_CLOSE,
  finish: Command.ZONE_FINISH,
  reset: Command.ZONE_RESET,
};

/** `finish 2048` done; the errno of a failure. */
function act(device: ZonedDevice, step: string): string {
  const write = /^write 8 sectors at (\d+)/.exec(step)?.[1];
  if (write !== undefined) return statusErrno[device.write(Number(write), 8)];
  const [verb = '', sector = ''] = step.split(' ');
  if (verb === 'offline')
    return statusErrno[device.zones.setCondition(Number(sector), verb) ? Status.OK : Status.INVAL];
  const command = Object.entries(commands).find(([name]) => name === verb)?.[1];
  if (command === undefined) throw new Error(`what is ${step}?`);
  return statusErrno[device.issue(command, Number(sector), 2048).status];
}

test('the example of docs/zones.md goes as it says', () => {
  const device = new ZonedDevice({
    capacity: 8192,
    zoneSectors: 2048,
    conventional: 1,
    maxOpen: 1,
  });
  const rows = [...text.matchAll(/^\| (.*) \| `.*` \d+ +\| .* \| .* \|$/gm)].map(([row]) =>
    row.split('|').map((cell) => cell.trim()),
  );
  expect(rows.length).toBeGreaterThan(8);
  for (const [, step = '', ...zones] of rows) {
    const error = /: (E\w+)$/.exec(step)?.[1] ?? 'OK';
    if (step !== 'start') expect(act(device, step), step).toBe(error);
    const shown = zones.slice(0, 3).map((zone) => zone.replace(/^`(.*)` /, '$1@'));
    expect(device.brief(1, 2, 3), step).toBe(shown.join(' '));
  }
  const [refusal] = device.refused;
  expect(text.replaceAll('\n', ' ')).toContain(`\`${refusal}\``);
});
