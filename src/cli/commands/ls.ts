/** `tnull ls`: the devices. */

import { type ControlCommand, jsonLine } from '../control-command.ts';
import { type Exported, exportsOf } from '../exported.ts';
import { bytesText, type Cell, table } from '../table.ts';

type Device = Readonly<Record<string, string | number>>;

const HEAD = 'NAME,POWER,SIZE,BLOCK,BACKED BY,ZONES,CLIENTS,IN FLIGHT,URI'.split(',');
const MIB = 1024 * 1024;

/** A user who set exact bytes wants to see them. */
function sizeText({ size, size_bytes: exact }: Device): string {
  const isExact = exact !== undefined && Number(exact) !== 0;
  return isExact ? `${exact} B` : bytesText(Number(size) * MIB);
}

/** The last columns are empty for a device that is off: it has no clients. */
function row(device: Device, shown: Exported | undefined): Cell[] {
  return [
    device['name'] ?? '',
    device['power'] === 1 ? 'on' : 'off',
    sizeText(device),
    Number(device['blocksize']),
    device['memory_backed'] === 1 ? 'memory' : 'nothing',
    device['zoned'] === 1 ? 'zoned' : 'no',
    shown?.clients ?? '',
    shown?.inFlight ?? '',
    shown?.uris.join(' ') ?? '',
  ];
}

export const ls: ControlCommand = {
  operands: '',
  summary: 'list the devices',
  least: 0,
  most: 0,
  async run({ client, json, say }) {
    const devices = await client.json<readonly Device[]>('GET', '/v1/devices');
    if (json) return say(jsonLine(devices));
    const exports = await exportsOf(client);
    say(
      table(
        HEAD,
        devices.map((one) => row(one, exports.get(String(one['name'])))),
      ),
    );
  },
};
