/** What other pages, wrong tokens and nasty names can do with the page of a daemon: nothing. page.md section 2. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launch, newUrl, show } from './browser.ts';
import { startTnull, type Tnull } from './tnull.ts';

/** At most 31 characters, as the name of an export. */
const MARKUP = '<img src=x onerror=alert(1)>';
const TOKEN = 'a-token-of-sixteen-bytes';

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function started(...words: string[]): Promise<Tnull> {
  const tnull = await startTnull(['size=1', 'nr_devices=1', ...words]);
  onTestFinished(async () => void (await tnull.stop()));
  return tnull;
}

/** Where a daemon with --http says that it is. */
function originOf(tnull: Tnull): string {
  const [, origin = ''] = /the page at (http:\/\/[\d.:]+)\//.exec(tnull.stderr()) ?? [];
  return origin;
}

/** A page of somebody else. @returns its origin. */
async function elsewhere(html: string): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo; // it listens at a port
  return `http://127.0.0.1:${port}`;
}

describe.each([
  ['without a token', []],
  ['with a token', ['--http-token', TOKEN]],
] as const)('another page of this machine, %s', (_, words) => {
  test('reads nothing, changes nothing and puts no frame around it', async () => {
    const tnull = await started('--http', '127.0.0.1:0', ...words);
    const daemon = originOf(tnull);
    const evil = await elsewhere(`<iframe src="${daemon}/"></iframe>`);
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(evil);
    const headers = `{ authorization: 'Bearer ${TOKEN}x', 'content-type': 'application/json' }`;
    const tries = [
      `fetch('${daemon}/v1').then((r) => r.text())`,
      `fetch('${daemon}/v1/devices/nullb0', { method: 'PATCH', headers: ${headers}, body: '{"power":0}' })`,
      `fetch('${daemon}/v1/devices/nullb0', { method: 'DELETE' })`,
      `fetch('${daemon}/v1/page/session', { method: 'POST' }).then((r) => r.text())`,
    ];
    for (const one of tries) {
      expect(await page.evaluate(`${one}.then(() => 'read', () => 'refused')`), one).toBe(
        'refused',
      );
    }
    // These are sent, and their answers are hidden from the page.
    for (const body of ['undefined', `new URLSearchParams({ a: 1 })`, `'{}'`]) {
      await page.evaluate(
        `fetch('${daemon}/v1/reset', { method: 'POST', mode: 'no-cors', body: ${body} })`,
      );
    }
    expect((await tnull.command('get', 'nullb0', 'power')).trim()).toBe('1');
    expect(tnull.stderr()).not.toContain('reset');
    const [, frame] = page.frames();
    expect(frame?.url()).toMatch(/^chrome-error:/);
    expect(await frame?.locator('h1').allInnerTexts()).not.toContain('Devices');
  });
});

test('a wrong token, one that was used, and one in the URL of a request', async () => {
  const tnull = await started();
  const url = await newUrl(tnull);
  const first = await show(browser, url);
  await first.page.getByRole('heading', { name: 'Devices' }).waitFor();
  const second = await show(browser, url);
  await second.page.getByText('This token is not good, or was used before.').waitFor();
  expect(second.page.url()).toBe(`${first.origin}/#/`);
  // The right one can be typed.
  const { hash } = new URL(await newUrl(tnull));
  const token = hash.replace('#token=', '');
  await second.page.getByLabel('Or give a token').fill('wrong');
  await second.page.getByRole('button', { name: 'Open' }).click();
  await second.page.getByRole('alert').waitFor();
  await second.page.getByLabel('Or give a token').fill(token);
  await second.page.getByRole('button', { name: 'Open' }).click();
  await second.page.getByRole('heading', { name: 'Devices' }).waitFor();
  const other = await newUrl(tnull);
  const inQuery = await second.page.request.get(other.replace('#', '?'));
  expect(inQuery.status()).toBe(401);
  for (const one of [first, second]) {
    await one.judge();
    // A reload forgets it: it is in memory alone.
    await one.page.reload();
    await one.page.getByText('Run tnull page').waitFor();
    await one.page.context().close();
  }
});

test('the token of the daemon, in the fragment, opens the page as often as one likes', async () => {
  const tnull = await started('--http', '127.0.0.1:0', '--http-token', TOKEN);
  for (let times = 0; times < 2; times++) {
    const shown = await show(browser, `${originOf(tnull)}/#token=${TOKEN}`);
    await shown.page.getByRole('heading', { name: 'Devices' }).waitFor();
    await shown.judge();
    await shown.page.context().close();
  }
});

test('a daemon that is gone, and another at its address with other tokens, are told', async () => {
  const first = await startTnull(['size=1', '--http', '127.0.0.1:0', '--http-token', TOKEN]);
  const origin = originOf(first);
  const { page } = await show(browser, `${origin}/#token=${TOKEN}`);
  onTestFinished(() => page.context().close());
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  await first.stop();
  await page.getByText('The daemon does not answer.').waitFor();
  await started('--http', new URL(origin).host, '--http-token', TOKEN);
  await page.getByText('The token is no longer good: run tnull page again.').waitFor();
});

test('another daemon at the address, without tokens: the page goes on with it', async () => {
  const first = await startTnull(['size=1', 'nr_devices=1', '--http', '127.0.0.1:0']);
  const origin = originOf(first);
  const shown = await show(browser, `${origin}/#/device/nullb0/overview`);
  const { page } = shown;
  onTestFinished(() => page.context().close());
  await first.command('set', 'nullb0', 'badblocks=+8-9');
  await page.getByRole('row', { name: /attributes badblocks=.8-9/ }).waitFor();
  await first.stop();
  await page.getByText('The daemon does not answer.').waitFor();
  await started('size=2', '--http', new URL(origin).host);
  await page.getByText('2.0 MiB').waitFor();
  await page.getByText('The daemon does not answer.').waitFor({ state: 'detached' });
  // What the first has told is not about the second.
  await page.getByRole('row', { name: /power power=1/ }).waitFor();
  await page.getByRole('row', { name: /attributes badblocks/ }).waitFor({ state: 'detached' });
});

test('names are text, whatever they look like', async () => {
  const tnull = await started();
  await tnull.command('create', MARKUP, 'size=1', 'memory_backed=1', '--power-on');
  await tnull.command('snapshot', MARKUP, '<b onclick=alert(1)>snap');
  const shown = await show(browser, await newUrl(tnull));
  const { page } = shown;
  let dialogs = 0;
  page.on('dialog', (dialog) => {
    dialogs++;
    void dialog.dismiss();
  });
  await page.getByRole('link', { name: MARKUP, exact: true }).click();
  await page.getByRole('heading', { name: MARKUP, exact: true }).waitFor();
  await page.getByRole('link', { name: 'Snapshots' }).click();
  await page.getByRole('row', { name: '<b onclick=alert(1)>snap' }).first().waitFor();
  await page.getByRole('link', { name: 'Faults' }).click();
  await page.getByLabel('As text').fill(`op=${MARKUP.replaceAll(' ', '_')}`);
  await page.getByRole('button', { name: 'Add rule' }).click();
  await page.locator('footer .failed').filter({ hasText: '<img' }).waitFor();
  await page.getByLabel('As text').fill('id=<svg/onload=alert(1)> error=EIO');
  await page.getByRole('button', { name: 'Add rule' }).click();
  await page.locator('footer .failed').filter({ hasText: '<svg' }).waitFor();
  expect(await page.locator('img, svg, b[onclick]').count()).toBe(0);
  // An escape that is none is a name like others.
  await shown.go('device/%');
  await page.getByText('There is no such device.').waitFor();
  expect(dialogs).toBe(0);
  await shown.judge();
  await page.context().close();
});

test('--http-read-only: everything is seen, and no button changes anything', async () => {
  const tnull = await started('--http-read-only');
  const shown = await show(browser, await newUrl(tnull));
  const { page } = shown;
  await page.getByText('read-only').waitFor();
  await shown.go('device/nullb0/faults');
  await page.getByRole('heading', { name: 'Power cut' }).waitFor();
  expect(await page.locator('main button:enabled').count()).toBe(0);
  await shown.judge();
  await page.context().close();
});
