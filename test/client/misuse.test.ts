/** What callers without types do wrong: each mistake is one line that names it. Source: test-api.md section 2. */

import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { serveConnected } from './served.ts';

const CLIENT = new URL('../../dist/bundle/client.js', import.meta.url).href;

/** Runs code without types, as users of JavaScript write it. @returns the errors of each line. */
async function mistakes(socket: string, lines: readonly string[]): Promise<string[]> {
  const code = `import { connect, startDevice, startServer } from ${JSON.stringify(CLIENT)};
    const control = await connect({ socket: ${JSON.stringify(socket)} });
    const disk = control.device('nullb0');
    for (const mistake of [${lines.map((line) => `async () => { ${line} }`).join(',\n')}])
      console.log(await mistake().then(() => 'none', (error) => error.name + ': ' + error.message));`;
  const words = ['--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return stdout.trim().split('\n');
}

test('a mistake is an error that names it', async () => {
  const { control } = await serveConnected('size=1', 'memory_backed=1');
  const socket = control.control;
  const said = {
    'await connect({})': 'TypeError: socket=undefined: must be a text that is not empty',
    'await control.create(undefined)':
      'TypeError: name=undefined: must be a text that is not empty',
    "await control.api.call('nix', {})": "TypeError: call='nix': there is none of this name",
    "await control.api.call('root', { deep: 1 })": "ControlError: unknown parameter 'deep'",
    'await disk.set(5)': 'TypeError: body=5: must be an object',
    'await disk.faults.add()': 'TypeError: body=undefined: must be an object',
    'await disk.setData(5)':
      'TypeError: data=5: must be a Uint8Array, a text, or an async iterable of Uint8Arrays',
    "await disk.log({ opp: 'flush' })": "ControlError: unknown parameter 'opp'",
    "await startServer({ lisen: 'nbd://127.0.0.1:0' })":
      "TypeError: startServer: there is no option 'lisen', only listen, threads, faultSeed, args, env, signal",
    'await startServer({ listen: 10809 })': 'TypeError: listen=10809: must be an array of texts',
    "await startServer({ args: '--nix' })": "TypeError: args='--nix': must be an array of texts",
  };
  await control.device('nullb0').set({ log: 10 });
  expect(await mistakes(socket, Object.keys(said))).toEqual(Object.values(said));
  expect((await control.devices()).map(({ name }) => name)).toEqual(['nullb0']);
});

test('an error of who gives the data is that error, and not one of the connection', async () => {
  const { control } = await serveConnected('size=1', 'memory_backed=1');
  const missing = createReadStream(join(folder(), 'missing'));
  await expect(control.device('nullb0').setData(missing)).rejects.toMatchObject({
    name: 'Error',
    code: 'ENOENT',
    syscall: 'open',
  });
});
