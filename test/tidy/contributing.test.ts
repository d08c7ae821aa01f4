/** CONTRIBUTING.md is a guide that works: the files that it names exist, and contain the places that a recipe
 *  tells to change. */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const there = (path: string): boolean => existsSync(new URL(path, root));
const text = read('CONTRIBUTING.md');
const { scripts } = JSON.parse(read('package.json'));

/** The recipes, by their titles. */
const recipes = new Map(
  text
    .slice(text.indexOf('## Where do I add'), text.indexOf('## Rules'))
    .split('\n### ')
    .slice(1)
    .map((recipe) => [recipe.slice(0, recipe.indexOf('\n')), recipe]),
);

test('every link, file and command that it names is there', () => {
  const links = [...text.matchAll(/\[([^\]]+)\]\(([^)#]+)\)/g)];
  expect(links.length).toBeGreaterThan(25);
  for (const [, shown = '', target = ''] of links) {
    expect(there(target), target).toBe(true);
    if (shown.includes('/'))
      expect(shown.replace(/\/README\.md$/, '')).toBe(target.replace(/\/README\.md$/, ''));
  }
  const files = [...text.matchAll(/\b(?:src|test|scripts|docs|\.github)\/[\w/.-]+\.\w+/g)];
  for (const [file] of files) {
    if (!file.includes('NAME')) expect(there(file), file).toBe(true);
  }
  for (const [, name = ''] of text.matchAll(/\bnpm run (\w+)/g))
    expect(scripts).toHaveProperty(name);
});

test('there is a recipe for each thing that is added again and again', () => {
  expect([...recipes.keys()]).toEqual([
    'a parameter',
    'a rule between parameters',
    'a command',
    'a step of the request path',
  ]);
});

describe('what a recipe speaks of is in the file that it names', () => {
  test.each([
    ['a parameter', 'src/config/parameters.ts', 'export const parameters = {'],
    ['a parameter', 'src/config/rows.ts', 'export interface Row'],
    ['a parameter', 'test/config/attributes.test.ts', "test('every attribute is tried below'"],
    ['a parameter', 'test/config/attributes.test.ts', "test('shows the defaults'"],
    ['a parameter', 'test/config/resolve.test.ts', 'DEFAULTS'],
    ['a parameter', 'src/driver/capabilities.ts', 'export function limits('],
    ['a parameter', 'src/driver/powered-device.ts', 'options: DeviceOptions'],
    ['a parameter', 'docs/differences.md', '## Not in the recordings'],
    ['a parameter', 'src/cli/flags.ts', 'export const flags = {'],
    ['a parameter', 'src/server/client-limits.ts', 'export const clientLimits = {'],
    ['a rule between parameters', 'test/config/judge.test.ts', 'power on adjusts'],
    ['a rule between parameters', 'src/config/judge.ts', 'one.become('],
    ['a rule between parameters', 'src/config/judge.ts', 'throw one.refusal('],
    ['a rule between parameters', 'src/config/judge-zones.ts', 'export function judgeZones('],
    ['a rule between parameters', 'src/config/judge-size.ts', 'export function judgeSize('],
    ['a rule between parameters', 'test/config/values.test.ts', "'discard'"],
    ['a command', 'src/cli/commands/requests.ts', ': ControlCommand = {'],
    ['a command', 'src/cli/command-names.ts', 'export const commandNames = ['],
    ['a command', 'src/cli/commands.ts', 'export const commands'],
    ['a command', 'src/control/calls.ts', 'export const calls = {'],
    ['a command', 'src/control/handlers.ts', 'export '],
    ['a command', 'src/control/schemas.ts', 'export const rootAnswer'],
    ['a step of the request path', 'test/driver/step-world.ts', 'export class StepWorld'],
    ['a step of the request path', 'test/driver/whole.ts', 'export function wholeDevice('],
    ['a step of the request path', 'src/driver/path.ts', 'export type Step ='],
    ['a step of the request path', 'src/driver/badblocks.ts', 'export function badBlocksStep('],
    ['a step of the request path', 'src/driver/compose-path.ts', 'function composePath('],
    ['a step of the request path', 'src/driver/powered-device.ts', 'get mayMoveBytesOnly('],
    ['a step of the request path', 'src/driver/powered-device.ts', '#judge('],
    ['a step of the request path', 'src/driver/extents.ts', 'export function extentsOf('],
    ['a step of the request path', 'docs/architecture.md', '## Gate and path'],
  ])('%s: %s has %s', (recipe, file, has) => {
    expect(recipes.get(recipe)).toContain(file);
    expect(read(file)).toContain(has);
  });
});
