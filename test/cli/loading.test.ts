/** What a start waits for: everything that main.ts and start.ts import at once, directly or not. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { libraries } from '../../src/control/libraries.ts';
import { folder } from '../folder.ts';
import { startIn } from './program.ts';

const src = new URL('../../src/', import.meta.url);

const IMPORT = /^(?:import|export)\s(?!type\s)(?:[^;']*?\sfrom\s)?'([^']+)';$/gm;

/** Every file and package that `paths` import at once, directly or not. Types load nothing. */
function loadedBy(...paths: readonly string[]): Set<string> {
  const loaded = new Set(paths);
  for (const path of loaded) {
    if (!path.endsWith('.ts')) continue;
    const file = new URL(path, src);
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(IMPORT)) {
      loaded.add(name.startsWith('.') ? new URL(name, file).href.slice(src.href.length) : name);
    }
  }
  return loaded;
}

const outside = (loaded: Set<string>): string[] =>
  [...loaded].filter((path) => !path.endsWith('.ts') && !path.startsWith('node:')).toSorted();

test('before the standard streams are ours nothing loads that looks at those of Node', () => {
  // Of Node's modules, `node:http`, `node:util` and more do: the flags tests in standard-streams.test.ts.
  expect([...loadedBy('cli/main.ts')].toSorted()).toEqual([
    ...['cli/main.ts', 'cli/process-end.ts', 'daemon/text-output.ts'],
    ...['node:fs', 'node:stream', 'node:tty'],
  ]);
});

test('nor does the bundle', () => {
  const bundle = new URL('../../dist/bundle/', import.meta.url);
  const loaded = new Set(['main.js']);
  for (const name of loaded) {
    if (name.startsWith('node:')) continue;
    const text = readFileSync(new URL(name, bundle), 'utf8');
    for (const [, from = ''] of text.matchAll(/^import\s(?:[^;]*?\sfrom\s)?"([^"]+)";$/gm)) {
      loaded.add(from.replace('./', ''));
    }
  }
  expect([...loaded].filter((name) => name.startsWith('node:')).toSorted()).toEqual([
    ...['node:fs', 'node:stream', 'node:tty'],
  ]);
});

test('a daemon loads neither commands, help, configuration, threads nor the API', () => {
  const loaded = loadedBy('cli/main.ts', 'cli/program.ts', 'cli/start.ts');
  expect(loaded).toContain('driver/path.ts');
  const unasked =
    /^(cli\/(commands|help|config-file|run-control|sweep|file)|threads\/(?!collect)|control\/api|crash|journal)/;
  expect([...loaded].filter((path) => unasked.test(path))).toEqual([]);
  expect(outside(loaded)).toEqual(['commander', 'nbd-server-protocol-ts', 'pino']);
});

test('the files of the program that a daemon or a thread loads hold nothing that only commands need', () => {
  const held = (chunk: string): string[] => {
    const map = new URL(`../../dist/bundle/${chunk}.js.map`, import.meta.url);
    const { sources }: { sources: string[] } = JSON.parse(readFileSync(map, 'utf8'));
    return sources;
  };
  const ofCommands = (path: string) =>
    /src\/(crash|journal|cli\/commands|cli\/sweep(?!\/flags)|cli\/crash(?!\/(?:lane|record)))\//.test(
      path,
    );
  expect(held('files').filter(ofCommands).length).toBeGreaterThan(20);
  expect(held('common')).toContain('../../src/units.ts');
  for (const chunk of ['main', 'program', 'common', 'start', 'worker', 'pool', 'api']) {
    expect(held(chunk).filter(ofCommands), chunk).toEqual([]);
  }
});

test('what the API loads beside that is loaded file by file before', () => {
  const known = loadedBy('cli/main.ts', 'cli/program.ts', 'cli/start.ts');
  const more = outside(loadedBy('control/api.ts')).filter((name) => !known.has(name));
  expect(more).toEqual([...libraries].sort());
});

test('a command loads nothing of the daemon but where its socket is', () => {
  const loaded = loadedBy('cli/main.ts', 'cli/program.ts', 'cli/commands.ts', 'cli/run-control.ts');
  expect(loaded).toContain('cli/commands/ls.ts');
  const daemon = /^(block|driver|export|pages|control|threads)\/|^daemon\/daemon/;
  expect([...loaded].filter((path) => daemon.test(path))).toEqual([]);
  expect(outside(loaded)).toEqual(['commander']);
});

test('neither a daemon without TLS nor a command loads TLS, or what is behind fetch', async () => {
  const place = folder();
  const [tells, list] = [join(place, 'tells.mjs'), join(place, 'list')];
  writeFileSync(
    tells,
    `import { appendFileSync } from 'node:fs';
     process.on('exit', () => appendFileSync('${list}', process.moduleLoadList.join('\\n') + '\\n'));`,
  );
  const environment = { NODE_OPTIONS: `--import ${tells}` };
  const control = ['--control', join(place, 'c')];
  const daemon = startIn(environment, 'size=1', '-U', join(place, 's'), ...control);
  await daemon.ready();
  expect((await startIn(environment, 'ls', '--control', '/nonexistent').ended).status).toBe(1);
  daemon.child.kill('SIGTERM');
  expect((await daemon.ended).status).toBe(0);
  const loaded = readFileSync(list, 'utf8').split('\n');
  expect(loaded.filter((name) => name.endsWith(' http'))).toHaveLength(2);
  expect(loaded.filter((name) => /\b(?:_?tls|undici)\b/.test(name))).toEqual([]);
});
