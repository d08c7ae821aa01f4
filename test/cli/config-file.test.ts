/** --config: what the file says, what wins over it, and what is wrong with it. control.md section 1. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig, withoutTyped } from '../../src/cli/config-file.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';
import { type Ended, start } from './program.ts';

function refusal(value: unknown): string {
  try {
    parseConfig(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

test('addresses and devices', () => {
  const text = JSON.stringify({
    listen: ['nbd://[::1]:7', 'nbd+unix:///?socket=/s'],
    devices: { a: { size: 64, memory_backed: true, badblocks: '+1-2', power: 0 }, b: {} },
  });
  expect(parseConfig(text)).toEqual({
    listen: [
      { kind: 'tcp', host: '::1', port: 7 },
      { kind: 'unix', path: '/s' },
    ],
    devices: [
      {
        name: 'a',
        attributes: new Map([
          ['size', '64'],
          ['memory_backed', '1'],
          ['badblocks', '+1-2'],
        ]),
        powered: false,
      },
      { name: 'b', attributes: new Map(), powered: true },
    ],
  });
  expect(parseConfig('{}')).toEqual({ listen: [], threads: undefined, devices: undefined });
});

test.each([
  ['{', /^not JSON: /],
  [[], /^must be an object$/],
  ['null', /^must be an object$/],
  [{ threads: 0 }, /^threads: must be 1\.\.64$/],
  [{ threads: 65 }, /^threads: must be 1\.\.64$/],
  [{ threads: 1.5 }, /^threads: must be 1\.\.64$/],
  [{ threads: '2' }, /^threads: must be 1\.\.64$/],
  [
    { device: {} },
    /^device: must be one of listen, threads, devices; the nearest known is 'devices'$/,
  ],
  [{ listen: 'nbd://x' }, /^listen: must be a list of URIs$/],
  [{ listen: ['nbd://127.0.0.1', 5] }, /^listen\[1\]: must be a URI$/],
  [{ listen: ['tcp://x'] }, /^listen\[0\]: not an NBD URI: 'tcp:\/\/x' \(expected nbd:/],
  [{ devices: [] }, /^devices: must be an object$/],
  [{ devices: { a: 5 } }, /^devices\.a: must be an object$/],
  [{ devices: { a: { size: 1.5 } } }, /^devices\.a\.size: must be a whole number/],
  [{ devices: { a: { size: null } } }, /^devices\.a\.size: must be a whole number/],
  [{ devices: { a: { power: 2 } } }, /^devices\.a\.power: must be 0 or 1$/],
  ['{ "__proto__": {} }', /^__proto__: must be one of listen, threads, devices$/],
])('%j is wrong', (value, says) => {
  expect(refusal(value)).toMatch(says);
});

test('what was typed is left out, by the names of attributes', () => {
  const attributes = new Map([
    ['size', '1'],
    ['size_bytes', '1000'],
    ['blocksize', '512'],
    ['timeout_inject/probability', '5'],
    ['memory_backed', '1'],
  ]);
  const left = (...typed: string[]) => {
    const [device] = withoutTyped([{ name: 'a', attributes, powered: true }], new Set(typed));
    return [...(device?.attributes.keys() ?? [])];
  };
  expect(left()).toEqual([...attributes.keys()]);
  expect(left('gb', 'bs')).toEqual(['timeout_inject/probability', 'memory_backed']);
  expect(left('size', 'timeout')).toEqual(['blocksize', 'memory_backed']);
  expect(left('size_bytes', 'timeout')).toEqual(['blocksize', 'memory_backed']);
});

function file(value: unknown): string {
  const path = join(folder(), 'tnull.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

async function served(value: unknown, ...args: string[]): Promise<string[]> {
  const tnull = start('--config', file(value), ...args);
  const lines = (await tnull.ready()).trim().split('\n');
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).status).toBe(0);
  return lines;
}

describe('the program', () => {
  const device = { size: 1, memory_backed: 1 };

  test('serves its devices where it says, and no others', async () => {
    const socket = join(folder(), 's');
    const config = {
      listen: [`nbd+unix:///?socket=${socket}`],
      devices: { fast: device, off: { ...device, power: 0 }, zoned: { zoned: 1, size: 512 } },
    };
    expect(await served(config)).toEqual([
      `nbd+unix:///fast?socket=${socket} 1048576 bytes`,
      `nbd+unix:///zoned?socket=${socket} 536870912 bytes`,
    ]);
  });

  test('flags win: addresses, parameters, nr_devices', async () => {
    const socket = join(folder(), 's');
    const config = { listen: ['nbd://192.0.2.1:1'], devices: { a: device } };
    const flags = ['-U', socket, 'size=2', 'bs=4096', 'nr_devices=1'];
    expect(await served(config, ...flags)).toEqual([
      `nbd+unix:///nullb0?socket=${socket} 2097152 bytes`,
      `nbd+unix:///a?socket=${socket} 2097152 bytes`,
    ]);
  });

  test('devices begin with the content of a file, and have its size where none is said', async () => {
    const home = folder();
    const socket = join(home, 's');
    const image = join(home, 'image');
    writeFileSync(image, Buffer.alloc(5000, 1));
    const listen = [`nbd+unix:///?socket=${socket}`];
    const config = { listen, devices: { a: { image }, b: { image, size: 3 }, c: { size: 1 } } };
    expect(await served(config)).toEqual([
      `nbd+unix:///a?socket=${socket} 5000 bytes`,
      `nbd+unix:///b?socket=${socket} 3145728 bytes`,
      `nbd+unix:///c?socket=${socket} 1048576 bytes`,
    ]);
    expect(await served(config, 'size=2')).toEqual(
      ['a', 'b', 'c'].map((name) => `nbd+unix:///${name}?socket=${socket} 2097152 bytes`),
    );
    expect(await served({ listen }, `image=${image}`, 'nr_devices=2')).toEqual([
      `nbd+unix:///nullb0?socket=${socket} 5000 bytes`,
      `nbd+unix:///nullb1?socket=${socket} 5000 bytes`,
    ]);
    expect(await served({ listen }, '--image', image, '--gb=1')).toEqual([
      `nbd+unix:///nullb0?socket=${socket} 1073741824 bytes`,
    ]);
  });

  test('an image that is not there: one line, status 1', async () => {
    const { status, stderr } = await runHere('image=/nowhere/x', '-U', '-', '--log-level', 'error');
    expect(stderr).toBe('tnull: image=/nowhere/x: no such file or folder\n');
    expect(status).toBe(1);
  });

  test('a file without devices leaves them to the flags', async () => {
    const socket = join(folder(), 's');
    const lines = await served({ listen: [`nbd+unix:///?socket=${socket}`] }, 'size=3');
    expect(lines).toEqual([`nbd+unix:///nullb0?socket=${socket} 3145728 bytes`]);
  });

  test('what power on adjusts is said', async () => {
    const tnull = start('--config', file({ devices: { a: { discard: 1, size: 1 } } }), '-U', '-');
    await tnull.ready();
    tnull.child.kill('SIGTERM');
    expect((await tnull.ended).stderr).toMatch(/discard.*memory_backed/);
  });

  async function refused(path: string): Promise<Ended> {
    const ended = await runHere('--config', path, '-U', '-', '--log-level', 'error');
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(/^tnull: --config[^\n]+\n$/);
    return ended;
  }

  test.each([
    [{ devices: { a: { sise: 1 } } }, /devices\.a\.sise: .*'size'/],
    [{ devices: { a: { size: 'x' } } }, /devices\.a\.size=x: /],
    [{ devices: { a: { zoned: 1, zone_size: 3 } } }, /devices\.a\.zone_size=3: .*power of two/],
    [{ devices: { 'a/b': {} } }, /devices\.a\/b: .*cannot be the name/],
    [{ devices: { a: { image: '/nowhere/x' } } }, /devices\.a\.image=\/nowhere\/x: no such file/],
    [{ devices: { a: { image: 1 } } }, /devices\.a\.image: must be the path of a file/],
    [{ listen: [1] }, /listen\[0\]: must be a URI/],
  ])('%j: one line that names the path, status 2', async (config, says) => {
    const { status, stderr } = await refused(file(config));
    expect(status).toBe(2);
    expect(stderr).toMatch(says);
  });

  test('a file that is not there: one line, status 1', async () => {
    const { status, stderr } = await refused('/nonexistent.json');
    expect(status).toBe(1);
    expect(stderr).toContain('/nonexistent.json');
  });
});
