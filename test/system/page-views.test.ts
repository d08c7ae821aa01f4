/** The page for everybody: dark and light, wide and on a phone, by keyboard alone, judged by axe-core; and with
 *  more devices, zones and log entries than one can see. page.md section 1. */

import { request } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../until.ts';
import { launch, newUrl, picture, show, violations } from './browser.ts';
import { nbdsh, startTnull, type Tnull } from './tnull.ts';

const DEVICES = 1000;
const ZONES = 100_000;
/** Rows in the document, of whatever length a table is. */
const ROWS_MAX = 80;

let tnull: Tnull;
let browser: Browser;

/** A command for each of a thousand devices would take minutes. */
function put(path: string, body: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request({ socketPath: tnull.control, path, method: 'PUT', headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

beforeAll(async () => {
  tnull = await startTnull(['size=64', 'memory_backed=1', 'nr_devices=1', 'cache_size=1']);
  const zoned = { zoned: 1, zone_size: 4, size: ZONES * 4, memory_backed: 1, power: 1 };
  expect(await put('/v1/devices/zoned', zoned)).toBe(201);
  await tnull.command('set', 'nullb0', 'badblocks=+64-80');
  await tnull.command('snapshot', 'nullb0', 'first');
  await tnull.command('faults', 'nullb0', 'add', 'op=write', 'sectors=8-15', 'error=EIO');
  await nbdsh(tnull.uri, 'h.pwrite(b"x" * 4096, 16384)');
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  expect(await tnull.stop()).toBe(0);
});

const views = [
  ['devices', '', 'row', /nullb0.*on/s],
  ['overview', 'device/nullb0/overview', 'heading', 'Clients (0)'],
  ['map', 'device/nullb0/map', 'heading', 'Map'],
  ['zones', 'device/zoned/map', 'row', /^1\b.*empty/s],
  ['faults', 'device/nullb0/faults', 'row', /r1/],
  ['snapshots', 'device/nullb0/snapshots', 'row', /first/],
] as const;

describe.each([
  ['light', 1200],
  ['dark', 390],
] as const)('%s, %i pixels wide', (colorScheme, width) => {
  test('axe-core finds nothing, and nothing is wider than the screen', async () => {
    const url = await newUrl(tnull);
    const shown = await show(browser, url, { colorScheme, viewport: { width, height: 844 } });
    const { page } = shown;
    onTestFinished(() => page.context().close());
    for (const [name, where, role, there] of views) {
      await shown.go(where);
      await page.getByRole(role, { name: there }).first().waitFor();
      expect(await violations(page), name).toEqual([]);
      expect(Number(await page.evaluate('document.documentElement.scrollWidth'))).toBe(width);
      await picture(page, `${name}-${colorScheme}-${width}`, name === 'map' && width === 390);
    }
    await shown.judge();
  });
});

/** Presses Tab until what has the focus is called `name`. */
async function tabTo(page: Page, name: string): Promise<void> {
  const called = `(() => { const e = document.activeElement;
    return e.getAttribute('aria-label') ?? (e.labels?.[0]?.innerText || e.innerText); })()`;
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    if (String(await page.evaluate(called)).trim() === name) return;
  }
  throw new Error(`60 times Tab do not lead to ${name}`);
}

test('by keyboard alone: a rule, a bad sector, a power cut', async () => {
  const { page, go } = await show(browser, await newUrl(tnull));
  onTestFinished(() => page.context().close());
  await page.getByRole('row', { name: /nullb0/ }).waitFor();
  await tabTo(page, 'nullb0');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'nullb0' }).waitFor();
  await tabTo(page, 'Faults');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Power cut' }).waitFor();
  await tabTo(page, 'As text');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('id=keys op=flush delay=1ms');
  await tabTo(page, 'Add rule');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: /keys/ }).waitFor();
  await tabTo(page, 'Cut the power');
  await page.keyboard.press('Space');
  await page.getByText(/image random/).waitFor();
  await go('device/nullb0/map');
  await page
    .getByRole('heading', { name: 'Bad blocks' })
    .or(page.getByText('Bad blocks'))
    .waitFor();
  await tabTo(page, 'Sectors');
  await page.keyboard.type('100-101');
  await tabTo(page, 'Make bad');
  await page.keyboard.press('Enter');
  await until(async () => (await tnull.command('get', 'nullb0', 'badblocks')).includes('100 2'));
});

describe('more than one can see', () => {
  const rows = (page: Page) => page.locator('tbody tr:not(.gap)').count();

  test('a thousand devices: those that are seen are asked for, and drawn', async () => {
    for (let at = 0; at < DEVICES; at += 50) {
      const names = Array.from({ length: 50 }, (_, i) => `/v1/devices/d${at + i}`);
      const made = await Promise.all(names.map((path) => put(path, { size: 1, power: 1 })));
      expect(new Set(made)).toEqual(new Set([201]));
    }
    const { page } = await show(browser, await newUrl(tnull));
    onTestFinished(() => page.context().close());
    const asked = new Set<string>();
    page.on('request', (one) => {
      const [, name] = /devices\/(\w+)/.exec(one.url()) ?? [];
      if (name !== undefined) asked.add(name);
    });
    await page.getByText(`${DEVICES + 2} devices`).waitFor();
    await page.getByRole('row', { name: /d0.*on/ }).waitFor();
    expect(await rows(page)).toBeLessThan(ROWS_MAX);
    await page.getByLabel('All devices').focus();
    await page.keyboard.press('End');
    await page.getByRole('row', { name: /d999.*on/ }).waitFor();
    expect(await rows(page)).toBeLessThan(ROWS_MAX);
    expect(asked.size).toBeLessThan(3 * ROWS_MAX);
    await page.getByLabel('Find').fill('d500');
    await page.getByRole('row', { name: /d500.*on/ }).waitFor();
    expect(await rows(page)).toBe(1);
  });

  test('a hundred thousand zones', async () => {
    const { page, go } = await show(browser, await newUrl(tnull));
    onTestFinished(() => page.context().close());
    await go('device/zoned/map');
    await page.getByRole('heading', { name: `Zones (${ZONES})` }).waitFor();
    await page.getByLabel('Go to zone').fill(String(ZONES - 1));
    const last = page.getByRole('row', { name: new RegExp(`^${ZONES - 1}\\b.*empty`, 's') });
    await last.waitFor();
    expect(await rows(page)).toBeLessThan(ROWS_MAX);
    await page.getByRole('button', { name: `open zone ${ZONES - 1}`, exact: true }).click();
    await last.or(page.getByText('explicit-open')).first().waitFor();
    const sector = (ZONES - 1) * 8192;
    await until(async () =>
      (await tnull.command('zones', 'zoned', 'report', String(sector))).includes('explicit-open'),
    );
  });

  test('a burst of ten thousand entries of the log', async () => {
    const { page, go } = await show(browser, await newUrl(tnull));
    onTestFinished(() => page.context().close());
    await tnull.command('create', 'burst', 'size=1', '--power-on');
    await tnull.command('faults', 'burst', 'add', 'op=write', 'error=EIO');
    await go('device/burst/faults');
    await page.getByRole('row', { name: /r1/ }).waitFor();
    const script = `
for i in range(10000):
  try: h.pwrite(b"x" * 512, 0)
  except nbd.Error: pass`;
    await nbdsh(tnull.uriOf('burst'), script);
    await page.getByRole('row', { name: /^10000\s+r1/ }).waitFor();
    const table = page.getByLabel('Log of the rules').locator('table');
    expect(await table.getAttribute('aria-rowcount')).toBe('1001');
    expect(await rows(page)).toBeLessThan(ROWS_MAX);
  });

  test('more tabs than a browser has connections: those that are hidden hold none', async () => {
    const { page, origin, go } = await show(browser, await newUrl(tnull));
    onTestFinished(() => page.context().close());
    // Here every tab counts as seen.
    const turn = (tab: Page, hidden: boolean) =>
      tab.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await go('device/nullb0/overview');
    let last = page;
    for (let tabs = 2; tabs <= 8; tabs++) {
      await last.getByRole('heading', { name: 'Clients (0)' }).waitFor();
      await turn(last, true);
      last = await page.context().newPage();
      last.setDefaultTimeout(60_000);
      await last.goto(await newUrl(tnull));
      await last.goto(`${origin}/#/device/nullb0/overview`);
    }
    await last.getByRole('heading', { name: 'Clients (0)' }).waitFor();
    await tnull.command('set', 'nullb0', 'badblocks=+2000-2001');
    // What came in the meantime is not missing when it is seen again.
    await turn(page, false);
    await page.getByRole('row', { name: /attributes .*2000-2001/ }).waitFor();
  });

  test('a client that came before more events than anybody keeps', async () => {
    await tnull.command('create', 'busy', 'size=1', '--power-on');
    await tnull.command('faults', 'busy', 'add', 'op=flush', 'hang=on');
    const client = nbdsh(tnull.uriOf('busy'), 'h.flush()');
    await until(async () => (await tnull.command('requests', 'busy')).includes('held'));
    const [{ connection }] = JSON.parse(await tnull.command('clients', 'busy', '--json'));
    // Each has an event when it comes, and one when it goes.
    const script = `
for i in range(150):
  one = nbd.NBD()
  one.connect_uri("${tnull.uriOf('busy')}")
  one.shutdown()`;
    await nbdsh(tnull.uri, script);
    const { page, go } = await show(browser, await newUrl(tnull));
    onTestFinished(() => page.context().close());
    await go('device/busy/overview');
    await page.getByRole('heading', { name: 'Clients (1)' }).waitFor();
    await page.getByRole('row', { name: new RegExp(`^${connection} unix `) }).waitFor();
    await tnull.command('faults', 'busy', 'release');
    await client;
    await page.getByRole('heading', { name: 'Clients (0)' }).waitFor();
  });
});
