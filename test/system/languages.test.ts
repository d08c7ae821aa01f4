/** docs/testing.md in other languages: the clients' own tests, and the examples, with Debian's tools. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { call, type Said } from './programs.ts';

const checkout = new URL('../../', import.meta.url).pathname;
const other = join(checkout, 'examples/testing/other');
const env = { ...process.env, TNULL: `${process.execPath} ${checkout}bin/tnull.js` };

function outcome({ status, stdout, stderr }: Said): string {
  return status === 0 ? 'passed' : `${stdout}\n${stderr}`;
}

test('Python: the tests of clients/python pass with pytest', () => {
  const place = join(checkout, 'clients/python');
  const said = call(
    '/usr/bin/python3',
    [
      '-B',
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      '--rootdir',
      place,
      join(place, 'tests'),
    ],
    { env: { ...env, PYTHONPATH: place } },
  );
  expect(outcome(said)).toBe('passed');
  expect(said.stdout).toMatch(/^28 passed/m);
});

test('Python: the clients are Python 3.9', () => {
  const code = `import ast, sys
for path in sys.argv[1:]: ast.parse(open(path).read(), path, feature_version=(3, 9))`;
  const files = ['tnull.py', 'tnull_pytest.py'].map((name) =>
    join(checkout, 'clients/python', name),
  );
  expect(outcome(call('/usr/bin/python3', ['-c', code, ...files]))).toBe('passed');
  const newer = join(folder(), 'newer.py');
  writeFileSync(newer, 'match 1:\n    case 1: pass\n');
  expect(call('/usr/bin/python3', ['-c', code, newer]).status).toBe(1);
});

/** Python 3.9 itself, where the machine has it: Debian's is newer. */
function python39(): string | undefined {
  const pyenv = join(homedir(), '.pyenv/versions');
  const there = existsSync(pyenv) ? readdirSync(pyenv) : [];
  const version = there.find((name) => name.startsWith('3.9.'));
  return version === undefined ? undefined : join(pyenv, version, 'bin/python3');
}

test.skipIf(python39() === undefined)('Python: the module works with Python 3.9', () => {
  const code = `import sys, tnull
assert sys.version_info[:2] == (3, 9)
with tnull.Server() as server:
    disk = server.create("disk", size=1, memory_backed=1, log=10)
    rule = disk.faults.add(op="flush", nth=3, error="EIO")["id"]
    disk.set_data(b"abc")
    disk.snapshot("clean")
    disk.rollback("clean")
    disk.set(badblocks="+8-15")
    assert [one["id"] for one in disk.faults.list()] == [rule]
    assert disk.log(op="flush") == [] and disk.data()[:4] == b"abc\\0"
    assert tnull.connect(server.control).devices()[0].stats()["errors"] == disk.stats()["errors"]
    try:
        disk.set(sise=1)
    except tnull.ControlError as refused:
        print(refused.errno, refused.attribute)
print(server.stop())`;
  const place = { ...env, PYTHONPATH: join(checkout, 'clients/python') };
  const said = call(python39() ?? '', ['-B', '-W', 'error', '-c', code], { env: place });
  expect(outcome(said)).toBe('passed');
  expect(said.stdout).toBe('EINVAL sise\n0\n');
});

test('Go: the tests of clients/go/tnulltest pass', () => {
  const place = join(checkout, 'clients/go/tnulltest');
  const given = { ...env, GOCACHE: folder(), GOFLAGS: '-count=1' };
  expect(call('env', ['-C', place, 'gofmt', '-l', '.']).stdout).toBe('');
  expect(outcome(call('env', ['-C', place, 'go', 'vet', './...'], { env: given }))).toBe('passed');
  const said = call('env', ['-C', place, 'go', 'test', '-v', './...'], { env: given });
  expect(outcome(said)).toBe('passed');
  expect(said.stdout.match(/^--- PASS/gm)).toHaveLength(7);
});

describe('the example in', () => {
  test('a shell', () => {
    const said = call('sh', [join(other, 'shell.sh')], { env });
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toContain('op=flush');
  });

  test('C, with libnbd', () => {
    const program = join(folder(), 'ready');
    const built = ['-Wall', '-Werror', '-o', program, join(other, 'ready.c'), '-lnbd'];
    expect(outcome(call('cc', built))).toBe('passed');
    const said = call(program, [], { env });
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toBe('1048576 bytes, the first is 0\n');
  });

  test('Rust, with its standard library', () => {
    const program = join(folder(), 'ready');
    expect(outcome(call('rustc', ['-o', program, join(other, 'ready.rs')]))).toBe('passed');
    const said = call(program, [], { env });
    expect(outcome(said)).toBe('passed');
    expect(said.stdout).toBe('nbd+unix:///nullb0: NBDMAGIC\n');
  });
});

test('docs/testing.md shows them as they are', () => {
  const text = readFileSync(join(checkout, 'docs/testing.md'), 'utf8');
  for (const name of ['shell.sh', 'ready.c', 'ready.rs']) {
    expect(text).toContain(readFileSync(join(other, name), 'utf8'));
  }
});
