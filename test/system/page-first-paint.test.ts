/** What a browser loads before it paints. A time would be that of the machine; docs/page.md has it as measured.
 *  page.md section 1. */

import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '../until.ts';
import { launch, newUrl } from './browser.ts';
import { startTnull, type Tnull } from './tnull.ts';

/** One window of a new connection, as TCP begins: 10 packets. */
const FIRST_BYTES_MAX = 14_000;

let tnull: Tnull;
let browser: Browser;

beforeAll(async () => {
  tnull = await startTnull(['size=1', 'nr_devices=1']);
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  expect(await tnull.stop()).toBe(0);
});

test('the first paint waits for two small files and no script; the devices wait for one call', async () => {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const bytes = new Map<string, number>();
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url());
    bytes.set(pathname, Number(response.headers()['content-length']));
  });
  const [scripts, calls]: [Route[], Route[]] = [[], []];
  await page.route('**/page.js', (route) => void scripts.push(route));
  await page.route('**/v1**', async (route) => {
    if (route.request().method() === 'POST') await route.continue();
    else calls.push(route);
  });
  await page.goto(await newUrl(tnull), { waitUntil: 'commit' });
  const paints = `performance.getEntriesByName('first-contentful-paint').length`;
  await until(async () => Number(await page.evaluate(paints)) === 1);
  await page.getByText('The page is loading.').waitFor();
  // The icon is not waited for.
  bytes.delete('/icon.svg');
  expect([...bytes.keys()].sort()).toEqual(['/', '/page.css']);
  const sum = [...bytes.values()].reduce((all, one) => all + one, 0);
  expect(sum).toBeGreaterThan(1000);
  expect(sum).toBeLessThan(FIRST_BYTES_MAX);
  for (const route of scripts) await route.continue();
  // The call that turns the token of the URL into one of the page is answered, and no other.
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  for (const route of calls) await route.continue();
  await page.getByRole('row', { name: /nullb0/ }).waitFor();
});
