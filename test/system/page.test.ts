/** The page in a real browser, against a daemon that fio loads: each action by clicks, and again by the lines that
 *  the page shows for it. page.md section 1. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../until.ts';
import { forDocuments, launch, newUrl, picture, type Shown, shell, show } from './browser.ts';
import { programsIn } from './programs.ts';
import { nbdsh, startTnull, type Tnull } from './tnull.ts';

let tnull: Tnull;
let browser: Browser;
let load: ChildProcess;
let shown: Shown;

beforeAll(async () => {
  tnull = await startTnull(['size=64', 'memory_backed=1', 'cache_size=4', 'nr_devices=2']);
  const size = ['size=64', 'memory_backed=1', '--power-on'];
  await tnull.command('create', 'zoned', 'zoned=1', 'zone_size=4', 'zone_nr_conv=2', ...size);
  load = programsIn().start('fio', [
    ...['--name=load', '--ioengine=nbd', `--uri=${tnull.uri}`, '--rw=randrw', '--bs=4k'],
    ...['--iodepth=8', '--rate_iops=1000,1000', '--time_based', '--runtime=600'],
  ]);
  browser = await launch();
  shown = await show(browser, await newUrl(tnull));
});
afterAll(async () => {
  await browser.close();
  const ended = once(load, 'exit');
  load.kill('SIGKILL');
  await ended;
  expect(await tnull.stop()).toBe(0);
});

/** Carries out both lines, each after `undo`. */
async function again(lines: readonly [string, string], undo?: () => Promise<unknown>) {
  const [, token] = shown.tokens;
  for (const line of lines) {
    await undo?.();
    await shell(line, tnull, token);
  }
}

const field = (label: string) => shown.page.getByLabel(label, { exact: true });
const text = async (inside: string) => (await shown.page.locator(inside).allInnerTexts()).join(' ');
const attribute = async (device: string, name: string) =>
  (await tnull.command('get', device, name)).trim();
const rule = (words: RegExp) => shown.page.getByRole('row', { name: words });

test('all devices, with the rates of the one that is loaded; a new one is made', async () => {
  const { page, act } = shown;
  const row = page.getByRole('row', { name: 'nullb0' });
  await until(async () =>
    /[1-9][\d.]* ?k?\/s .*[1-9][\d.]* ?k?\/s/.test((await row.allInnerTexts()).join(' ')),
  );
  expect((await row.allInnerTexts()).join(' ')).toContain('64.0 MiB');
  await picture(page, 'devices', true);
  await field('Name').fill('made');
  const lines = await act('Create');
  expect(lines[0]).toBe('tnull create made size=64 memory_backed=1 power=1');
  await page.getByRole('link', { name: 'made' }).waitFor();
  await again(lines, () => tnull.command('remove', 'made'));
  await field('Find').fill('null');
  await page.getByRole('link', { name: 'made' }).waitFor({ state: 'detached' });
});

test('throughput, latencies, tags in flight and clients of a device', async () => {
  const { page, go } = shown;
  await go('device/nullb0');
  await page.getByText(/requests in the last second took/).waitFor();
  await until(async () => !/read 0 B\/s/.test(await text('.charts')));
  const painted = `(() => { const c = document.querySelector('.heatmap canvas');
    return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((one) => one > 0); })()`;
  await until(async () => (await page.evaluate(painted)) === true);
  await page.getByRole('heading', { name: 'Clients (1)' }).waitFor();
  await page.getByRole('row', { name: /^\d+ unix (simple|structured|extended) no / }).waitFor();
  await tnull.command('set', 'nullb0', 'badblocks=+131064-131071');
  await page.getByRole('row', { name: /attributes .*131064/ }).waitFor();
  await tnull.command('set', 'nullb0', 'badblocks=-131064-131071');
  // Readers want to see more of it than a second.
  if (forDocuments) await page.waitForTimeout(55_000);
  await picture(page, 'overview', true);
});

test('a drag over the map makes sectors bad, and good again', async () => {
  const { page, go, act } = shown;
  await go('device/nullb1/map');
  await nbdsh(tnull.uriOf('nullb1'), 'h.pwrite(b"x" * 8388608, 0)');
  await page.getByText(/data [1-9]\d* sectors/).waitFor();
  await page.getByRole('button', { name: 'Zoom in' }).click();
  const box = await page.locator('canvas.map').boundingBox();
  const { x = 0, y = 0, width = 0 } = box ?? {};
  await page.mouse.move(x + width * 0.25, y + 20);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.5, y + 20, { steps: 4 });
  await page.mouse.up();
  const [, first, last] = /^(\d+)-(\d+)$/.exec(await field('Sectors').inputValue()) ?? [];
  // A quarter of the quarter that is seen.
  expect(Math.abs(Number(last) - Number(first) - 131072 / 16)).toBeLessThan(300);
  const lines = await act('Make bad');
  expect(lines[0]).toBe(`tnull set nullb1 badblocks=+${first}-${last}`);
  const length = Number(last) - Number(first) + 1;
  expect(await attribute('nullb1', 'badblocks')).toBe(`${first} ${length}`);
  await page.getByText(`bad ${length} sectors`).waitFor();
  await picture(page, 'map', true);
  await again(lines);
  await act('Make good');
  expect(await attribute('nullb1', 'badblocks')).toBe('');
  await field('Sectors').fill('7');
  await act('Make bad');
  expect(await attribute('nullb1', 'badblocks')).toBe('7 1');
  await act('Make good');
  await field('Sectors').fill('9-7');
  await page.getByRole('button', { name: 'Make bad' }).click();
  await page.getByText("'9-7' is not a range of sectors: FIRST-LAST").waitFor();
});

test('a zone is opened, closed, finished and reset', async () => {
  const { page, go, act } = shown;
  await go('device/zoned/map');
  const zone = page.getByRole('row', { name: /^3\b/ });
  for (const [word, condition] of [
    ['open', 'explicit-open'],
    // A zone without data is empty then.
    ['close', 'empty'],
    ['finish', 'full'],
    ['reset', 'empty'],
  ] as const) {
    const lines = await act(`${word} zone 3`);
    expect(lines[0]).toBe(`tnull zones zoned ${word} 24576`);
    await zone.filter({ hasText: condition }).waitFor();
    // To close an empty zone is an error.
    if (word === 'finish') await again(lines);
  }
  await tnull.command('zones', 'zoned', 'finish', '16384');
  await again(await act('Reset all'));
  await page.getByRole('row', { name: /^2\b.*empty/s }).waitFor();
  await page.getByText('implicit-open, explicit-open').waitFor();
  const conventional = page.getByRole('row', { name: /^1\b.*not-wp/s });
  await conventional.waitFor();
  expect(await conventional.locator('meter').count()).toBe(0);
  await picture(page, 'zones');
});

test('rules are added by form and by text, strike, pause and go', async () => {
  const { page, go, act } = shown;
  await go('device/nullb1/faults');
  await field('Commands').selectOption('write');
  await field('When').selectOption('nth');
  await field('Number').fill('2');
  expect(await field('As text').inputValue()).toBe('op=write nth=2 error=EIO');
  const lines = await act('Add rule');
  expect(lines[0]).toBe('tnull faults nullb1 add op=write nth=2 error=EIO');
  await field('As text').fill('op=read sectors=0-7 corrupt=fill:2a');
  await act('Add rule');
  const script = `
h.pwrite(b"a" * 4096, 0)
try: h.pwrite(b"a" * 4096, 0)
except nbd.Error: print("failed")
print(h.pread(8, 0))`;
  expect(await nbdsh(tnull.uriOf('nullb1'), script)).toMatch(/failed\n.*\*{8}/s);
  await rule(/r1\s+op=write nth=2 error=EIO\s+2\s+1\s+0/).waitFor();
  // The log tells both, the latest first.
  await page.getByRole('row', { name: /r2\s.*action=corrupt.*op=read/ }).waitFor();
  await page.getByRole('row', { name: /r1\s.*action=error.*op=write/ }).waitFor();
  await picture(page, 'faults', true);
  await again(await act('Pause'));
  await page.getByText('paused', { exact: true }).waitFor();
  expect(await tnull.command('faults', 'nullb1')).toContain('paused');
  await act('Resume');
  await act('Reset counts');
  await again(await act('Remove rule r2'), async () => {
    await tnull.command('faults', 'nullb1', 'add', 'id=r2', 'op=read', 'error=EIO');
  });
  await act('Remove all');
  expect(await tnull.command('faults', 'nullb1')).toContain('no rules');
  await again(lines, () => tnull.command('faults', 'nullb1', 'remove', '--all'));
  await act('Remove all');
  await field('As text').fill('op=write nonsense');
  await page.getByRole('button', { name: 'Add rule' }).click();
  await page.getByText("'nonsense' is not word=value").waitFor();
});

test('what hangs is seen in flight, and released', async () => {
  const { page, go, act } = shown;
  await go('device/nullb1/faults');
  for (const [id, button] of [
    ['one', 'Release what hangs by one'],
    ['two', /^Release all \(1\)$/],
  ] as const) {
    await field('As text').fill(`id=${id} op=read hang=on times=1`);
    await act('Add rule');
    const read = nbdsh(tnull.uriOf('nullb1'), 'h.pread(4096, 0)');
    await page.getByRole('button', { name: button }).waitFor();
    await go('device/nullb1/overview');
    await page.getByRole('row', { name: /read\s+0\s+8\s+held.*\s+(one|two)/ }).waitFor();
    if (id === 'one') await picture(page, 'in-flight');
    await go('device/nullb1/faults');
    const lines = await act(button);
    await read;
    if (id === 'one') await again(lines);
  }
  await act('Remove all');
});

test('the power is cut, by a model', async () => {
  const { page, go, act } = shown;
  await go('device/nullb1/faults');
  await nbdsh(tnull.uriOf('nullb1'), 'h.pwrite(b"z" * 65536, 0)');
  await field('What is left of the cache').selectOption('none');
  const lines = await act('Cut the power');
  expect(lines[0]).toBe('tnull cut nullb1 keep=none');
  await page.getByText(/image none, kept 0, lost [1-9]\d*, power 1/).waitFor();
  await again(lines);
  await field('Down for').fill('stay');
  await field('Seed').fill('7');
  await field('What is left of the cache').selectOption('random');
  const stays = await act('Cut the power');
  expect(stays[0]).toBe('tnull cut nullb1 keep=random down=stay seed=7');
  await page.getByRole('button', { name: 'Power on' }).waitFor();
  const on = await act('Power on');
  expect(on[0]).toBe('tnull set nullb1 power=1');
});

test('snapshots are taken, compared, cloned, rolled back and removed', async () => {
  const { page, go, act } = shown;
  await go('device/nullb1/snapshots');
  await field('Name of a snapshot').fill('before');
  const taken = await act('Take');
  await again(taken, () => tnull.command('destroy', 'nullb1', 'before'));
  await nbdsh(tnull.uriOf('nullb1'), 'h.pwrite(b"new!" * 1024, 1048576)');
  await page.getByRole('button', { name: 'Roll back to before' }).waitFor();
  await field('with').selectOption('nullb1@before');
  const compared = await act('Compare');
  expect(compared[0]).toBe('tnull diff nullb1 nullb1@before');
  await page.getByText('8 sectors differ, in 1 run.').waitFor();
  await page.getByRole('row', { name: /^2048\s+8$/ }).waitFor();
  await picture(page, 'snapshots', true);
  await again(compared);
  await field('Name of a clone').fill('copy');
  await again(await act('Clone before'), () => tnull.command('remove', 'copy'));
  await tnull.command('remove', 'copy');
  await act('Clone the device');
  await again(await act('Roll back to before'));
  expect(await nbdsh(tnull.uriOf('nullb1'), 'print(h.pread(4, 1048576))')).not.toContain('new!');
  await again(await act('Remove before'), () => tnull.command('snapshot', 'nullb1', 'before'));
});

test('power goes off and on, and a device is removed after a question', async () => {
  const { page, go, act } = shown;
  await tnull.command('create', 'short', 'size=1', '--power-on');
  await go('device/short');
  await again(await act('Power off'));
  await page.getByText('The power is off.').waitFor();
  await act('Power on');
  page.once('dialog', (dialog) => void dialog.dismiss());
  await page.getByRole('button', { name: 'Remove' }).click();
  expect(await attribute('short', 'power')).toBe('1');
  page.once('dialog', (dialog) => void dialog.accept());
  const lines = await act('Remove');
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  await again(lines, () => tnull.command('create', 'short', 'size=1'));
  await go('device/short');
  await page.getByText('There is no such device.').waitFor();
});

test('whatever was done: no other origin, no token in a URL or a store, no complaint', async () => {
  await shown.judge();
});
