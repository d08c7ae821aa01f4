/** Fails a run of the whole suite in which a test that docs/rnull-series.md names did not run and pass, or
 *  in which a mistake of nbd-protocol.md section 7 was not shown. Runs of some files, or titles, are left alone. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { SPECIFICATION, unshownMistakes } from './mistakes.ts';
import { DOCUMENT, documentRows, unshown } from './rows.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export default class ShownReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    if (!(await this.#isWhole(modules))) return;
    const results = new Map(
      modules.map((module) => [
        relative(root, module.moduleId),
        new Map(
          Array.from(module.children.allTests(), (test) => [
            test.fullName,
            test.result().state === 'passed',
          ]),
        ),
      ]),
    );
    const rows = documentRows().flatMap((row) => unshown(row, (file) => results.get(file)));
    complain(DOCUMENT, rows);
    complain(`${SPECIFICATION}, section 7`, unshownMistakes(results));
  }

  async #isWhole(modules: readonly TestModule[]): Promise<boolean> {
    if (this.#vitest === undefined) return false;
    const { config } = this.#vitest;
    if (config.testNamePattern !== undefined || config.watch) return false;
    // Files that are left out on the command line are in no list of what there is.
    const leftOut = process.env['TNULL_TEST_LEAVE_OUT'] !== undefined;
    if (leftOut || (config.cliExclude ?? []).length > 0) return false;
    const all = await this.#vitest.globTestSpecifications();
    const ran = new Set(modules.map((module) => module.moduleId));
    return all.every(({ moduleId }) => ran.has(moduleId));
  }
}

function complain(what: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  process.exitCode = 1;
  const lines = missing.map((line) => `  ${line}\n`).join('');
  process.stderr.write(`\n${what}: not shown in this run:\n${lines}`);
}
