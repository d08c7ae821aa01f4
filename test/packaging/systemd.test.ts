/** The units for systemd: what they say, and, where systemd-analyze is at hand, what it says of them. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseArguments } from '../../src/cli/parse-arguments.ts';

const root = new URL('../../', import.meta.url);
const UNITS = ['tnull.service', 'tnull.socket'];
/** Of ten; systemd calls below 2 "OK", and what is left is named in docs/running.md. */
const EXPOSURE_MAX = 20;

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

const able = spawnSync('systemd-analyze', ['--version']).status === 0;

describe.skipIf(!able)('systemd-analyze', () => {
  /** The units in a folder of their own, with the program of this checkout, and the man page. */
  function units(): { paths: string[]; env: NodeJS.ProcessEnv } {
    const folder = mkdtempSync(join(tmpdir(), 'tnull-units-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const program = new URL('bin/tnull.js', root).pathname;
    for (const unit of UNITS) {
      writeFileSync(
        join(folder, unit),
        text(unit).replace(/^ExecStart=tnull/m, `ExecStart=${program}`),
      );
    }
    mkdirSync(join(folder, 'man1'));
    const page = readFileSync(new URL('packaging/man/tnull.1', root));
    writeFileSync(join(folder, 'man1/tnull.1'), page);
    const paths = UNITS.map((unit) => join(folder, unit));
    return { paths, env: { ...process.env, MANPATH: folder } };
  }

  test('verify finds nothing', () => {
    const { paths, env } = units();
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...paths], {
      ...{ env, encoding: 'utf8' },
    });
    // Units of the machine that ours pull in may have faults of their own.
    const ours = stderr.split('\n').filter((line) => /tnull/.test(line));
    expect(ours).toEqual([]);
    expect(status).toBe(0);
  });

  test('security: little is left open', () => {
    const [service = ''] = units().paths;
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, service],
      { encoding: 'utf8' },
    );
    expect(stdout).toContain('Overall exposure level');
    expect(status).toBe(0);
  });
});
