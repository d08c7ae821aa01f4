/** The units for systemd: what they say. What systemd-analyze says of them: test/system/units.test.ts. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/parse-arguments.ts';

const root = new URL('../../', import.meta.url);

function text(unit: string): string {
  return readFileSync(new URL(`packaging/systemd/${unit}`, root), 'utf8');
}

/** Values by `Section.Directive`. */
function directives(unit: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let section = '';
  for (const line of text(unit).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section;
    const [, name, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const key = `${section}.${name}`;
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

const service = directives('tnull.service');
const socket = directives('tnull.socket');

test('the service has what it is told, and can change nothing', () => {
  const expected: Record<string, string> = {
    Type: 'notify',
    NotifyAccess: 'all',
    DynamicUser: 'yes',
    CapabilityBoundingSet: '',
    AmbientCapabilities: '',
    NoNewPrivileges: 'yes',
    ProtectSystem: 'strict',
    ProtectHome: 'yes',
    PrivateDevices: 'yes',
    PrivateTmp: 'yes',
    PrivateUsers: 'yes',
    ProtectKernelModules: 'yes',
    ProtectKernelTunables: 'yes',
    ProtectControlGroups: 'yes',
    RestrictNamespaces: 'yes',
    RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6',
    SystemCallArchitectures: 'native',
    KillMode: 'mixed',
    RuntimeDirectory: 'tnull',
  };
  for (const [name, value] of Object.entries(expected)) {
    expect([name, service.get(`Service.${name}`)]).toEqual([name, [value]]);
  }
  // node writes the code that it runs.
  expect(service.has('Service.MemoryDenyWriteExecute')).toBe(false);
});

test('the sockets are those of the service, and not in the folder that goes with it', () => {
  expect(service.get('Unit.Requires')).toEqual(['tnull.socket']);
  const places = socket.get('Socket.ListenStream') ?? [];
  expect(places).toContain('127.0.0.1:10809');
  for (const place of places) expect(place).not.toMatch(/^\/run\/tnull\//);
  expect(socket.get('Socket.SocketMode')).toEqual(['0600']);
});

test('tnull understands what the service starts', () => {
  const [line = ''] = service.get('Service.ExecStart') ?? [];
  const [args = ''] = service.get('Service.Environment') ?? [];
  const words = line
    .replace('$TNULL_ARGS', args.replace(/^TNULL_ARGS=/, ''))
    .replaceAll('%t', '/run')
    .split(' ');
  expect(words.shift()).toBe('tnull');
  expect(parseArguments(words, '1')).toMatchObject({
    kind: 'serve',
    listen: [],
    control: { socket: { path: '/run/tnull/control.sock' } },
  });
});
