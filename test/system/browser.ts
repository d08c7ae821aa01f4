/** A real browser that shows the page of a running daemon, and what the page must keep whatever is done: no request
 *  to another origin, no token in a URL, no complaint of the browser. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../until.ts';
import { missing } from './programs.ts';
import { run, type Tnull } from './tnull.ts';

const root = new URL('../../', import.meta.url).pathname;
/** For what a page shows: some hundred times as long as it takes. */
const PATIENCE_MS = 60_000;
/** Kept by CI with the run. */
const artifacts = join(root, '.cache/page');

/** Debian's; as root it has no sandbox of its own. */
export async function launch(): Promise<Browser> {
  try {
    const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
    return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  } catch (error) {
    throw new Error(missing('chromium'), { cause: error });
  }
}

export interface Shown {
  readonly page: Page;
  readonly origin: string;
  /** Goes to a part of the page: `device/nullb0/map`. */
  go(where: string): Promise<void>;
  /** Clicks a button, and waits until what was done is told. @returns the command and the curl line. */
  act(button: string | RegExp): Promise<readonly [command: string, curl: string]>;
  /** Every token that it has sent. */
  readonly tokens: ReadonlySet<string>;
  /** @throws when it broke one of the rules above. */
  judge(): Promise<void>;
}

export const newUrl = async (tnull: Tnull): Promise<string> => (await tnull.command('page')).trim();

/** Opens the page as `tnull page` says. */
export async function show(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Shown> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const { origin, hash } = new URL(url);
  const urls: string[] = [];
  const complaints: string[] = [];
  const tokens = new Set([hash.replace('#token=', '')].filter((one) => one !== ''));
  page.on('request', (request) => {
    urls.push(request.url());
    const { authorization } = request.headers();
    if (authorization !== undefined) tokens.add(authorization.replace('Bearer ', ''));
  });
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // What a refusal leaves in the console is a refusal that was meant.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  await page.goto(url);
  const command = page.locator('[data-again=command]').first();
  return {
    page,
    origin,
    tokens,
    async go(where) {
      await page.goto(`${origin}/#/${where}`);
    },
    async act(button) {
      await page.evaluate('window.done = 0; addEventListener("action-done", () => window.done++)');
      await page.getByRole('button', { name: button, exact: true }).first().click();
      // What waits in the page itself is forbidden there: it would evaluate text.
      await until(async () => Number(await page.evaluate('window.done')) > 0);
      expect(await page.locator('footer .failed').allInnerTexts()).toEqual([]);
      const curl = page.locator('[data-again=curl]').first();
      const [[done = ''], [same = '']] = [
        await command.allInnerTexts(),
        await curl.allInnerTexts(),
      ];
      return [done, same];
    },
    async judge() {
      expect(complaints).toEqual([]);
      expect(urls.filter((one) => !one.startsWith(`${origin}/`))).toEqual([]);
      for (const token of tokens) {
        expect(urls.filter((one) => one.includes(token) && one !== url)).toEqual([]);
      }
      const kept = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])';
      expect(await page.evaluate(kept)).toBe('[{},{},""]');
      expect(page.url()).not.toContain('token');
    },
  };
}

/** Carries out a line that the page showed, as a shell does. @throws with its words when it fails. */
export function shell(line: string, tnull: Tnull, token: string | undefined): Promise<string> {
  const program = join(root, 'bin/tnull.js');
  const command = `tnull() { ${process.execPath} ${program} --control ${tnull.control} "$@"; }`;
  const curl = 'curl() { command curl -sS --fail-with-body "$@"; }';
  return run('bash', '-c', `${command}; ${curl}; TNULL_HTTP_TOKEN=${token ?? ''}; ${line}`);
}

/** The pictures of docs/page.md are made anew. */
export const forDocuments = process.env['TNULL_PAGE_IMAGES'] === '1';

/** A picture for the run's artifacts; where the variable says so, for the documents too. */
export async function picture(page: Page, name: string, document = false): Promise<void> {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
  if (document && forDocuments) {
    const path = join(root, `docs/images/page-${name}.jpg`);
    await page.screenshot({ path, type: 'jpeg', quality: 70 });
  }
}

const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong with what is shown. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found: { id: string; nodes: { html: string }[] }[] = JSON.parse(
    String(await page.evaluate('axe.run().then((r) => JSON.stringify(r.violations))')),
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
