import { expect, test } from 'vitest';
import { Line } from '../../src/control/line.ts';

function line() {
  const it = new Line();
  const done: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string, isUrgent = false): Promise<string> => {
    const work = async (): Promise<string> => {
      done.push(`begins ${name}`);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      done.push(`ends ${name}`);
      if (name.startsWith('bad')) throw new Error(name);
      return name;
    };
    return it.run(work, isUrgent);
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { done, run, end };
}

test('operations go one after the other; one that fails holds up nobody', async () => {
  const { done, run, end } = line();
  const all = [run('bad a'), run('b')];
  expect(done).toEqual(['begins bad a']);
  const failed = expect(all[0]).rejects.toThrow('bad a');
  await end('bad a');
  await failed;
  expect(done).toEqual(['begins bad a', 'ends bad a', 'begins b']);
  await end('b');
  expect(await all[1]).toBe('b');
  const later = run('c');
  await end('c');
  expect(await later).toBe('c');
});

test('urgent ones go first, in their order, but for what is under way', async () => {
  const { done, run, end } = line();
  const names = ['a', 'b', 'u', 'c', 'v'];
  const all = names.map((name) => run(name, name > 't'));
  for (const name of ['a', 'u']) await end(name);
  all.push(run('w', true), run('d'));
  for (const name of ['v', 'w', 'b', 'c', 'd']) await end(name);
  await Promise.all(all);
  const begun = done.filter((text) => text.startsWith('begins')).map((text) => text.slice(-1));
  expect(begun.join('')).toBe('auvwbcd');
});
