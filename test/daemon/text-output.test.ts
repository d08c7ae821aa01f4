/** Text to real pipes and files that do not take it. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TextOutput, type TextOutputOptions } from '../../src/daemon/text-output.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';

const LOG: TextOutputOptions = { bytesMax: 1000, tries: 'again', mayBlock: false };
const PIPE_BYTES = 64 << 10;

function open(path: string, flags: number): number {
  const fd = openSync(path, flags);
  onTestFinished(() => {
    try {
      closeSync(fd);
    } catch {
      // The test has closed it.
    }
  });
  return fd;
}

/** A pipe with both ends: writing blocks when it is full, as from a shell. */
function pipe(): { readonly path: string; readonly writer: number; readonly reader: number } {
  const path = join(folder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { path, reader, writer: open(path, constants.O_WRONLY) };
}

/** All that is in the pipe. */
function taken(reader: number): string {
  const bytes = Buffer.alloc(2 * PIPE_BYTES);
  try {
    return bytes.toString('utf8', 0, readSync(reader, bytes));
  } catch {
    return '';
  }
}

/** An output whose pipe is full to the last byte. */
function full(options: TextOutputOptions = LOG) {
  const ends = pipe();
  const output = new TextOutput(ends.writer, { ...options, bytesMax: 4 * PIPE_BYTES });
  output.write('#'.repeat(PIPE_BYTES));
  return { ...ends, output };
}

test('what fits is in the pipe when write returns: a process that ends at once loses nothing', () => {
  const { reader, writer } = pipe();
  new TextOutput(writer, LOG).write('one\n');
  expect(taken(reader)).toBe('one\n');
});

test('a full pipe holds nobody up, and its text comes when somebody reads', async () => {
  const { output, reader } = full();
  output.write('two\n');
  expect(await output.flush(1)).toBe('ETIMEDOUT');
  expect(output.isStuck).toBe(false);
  expect(taken(reader)).toBe('#'.repeat(PIPE_BYTES));
  expect(await output.flush()).toBeUndefined();
  expect(taken(reader)).toBe('two\n');
});

test('the flags of the description that others have too stay as they were', () => {
  const { writer } = full();
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${writer}`, 'utf8'))?.[1];
  expect(Number.parseInt(flags ?? '', 8) & constants.O_NONBLOCK).toBe(0);
});

test('beyond its room lines are dropped, and the first that fits again says how many', async () => {
  const { reader, writer } = pipe();
  const output = new TextOutput(writer, { ...LOG, bytesMax: 100 });
  output.droppedText = (count) => `${count} dropped\n`;
  output.write('#'.repeat(PIPE_BYTES));
  const line = (n: number): string => `${String(n).padStart(9, '0')}\n`;
  for (let n = 0; n < 25; n++) output.write(line(n));
  expect(taken(reader)).toHaveLength(PIPE_BYTES);
  output.flushNow();
  output.write(line(99));
  expect(taken(reader)).toBe(
    [...Array.from({ length: 10 }, (_, n) => line(n)), '15 dropped\n', line(99)].join(''),
  );
});

test('how many were dropped is said, too, when no line follows', async () => {
  const { reader, writer } = pipe();
  const output = new TextOutput(writer, { ...LOG, bytesMax: 10 });
  output.droppedText = (count) => `${count} dropped\n`;
  for (const text of ['#'.repeat(PIPE_BYTES), '0123456789', 'lost', 'lost']) output.write(text);
  taken(reader);
  expect(await output.flush()).toBeUndefined();
  expect(taken(reader)).toBe('01234567892 dropped\n');
});

test('a reader that has gone is no error; one that comes later reads on', async () => {
  const { path, reader, writer } = pipe();
  const output = new TextOutput(writer, LOG);
  closeSync(reader);
  output.write('early\n');
  expect(await output.flush()).toBe('EPIPE');
  const next = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  output.write('late\n');
  expect(await output.flush()).toBeUndefined();
  expect(taken(next)).toBe('early\nlate\n');
});

test('a full disk is not waited for', async () => {
  // Never closed, since it is tried again: its number would be another file's.
  const output = new TextOutput(openSync('/dev/full', constants.O_WRONLY), LOG);
  output.write('a line\n');
  expect(await output.flush()).toBe('ENOSPC');
  expect(await output.flush(1000)).toBe('ENOSPC');
});

test('lines to a file are whole and in order', async () => {
  const path = join(folder(), 'log');
  const flags = constants.O_WRONLY | constants.O_CREAT;
  const output = new TextOutput(open(path, flags), { ...LOG, bytesMax: 1 << 20 });
  const lines = Array.from({ length: 3000 }, (_, n) => `line ${n} of a log that goes on and on\n`);
  for (const line of lines) output.write(line);
  expect(await output.flush()).toBeUndefined();
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
});

test('a command waits for its reader, however much there is', async () => {
  const { reader, writer } = pipe();
  const options = { bytesMax: Number.MAX_VALUE, tries: 'once', mayBlock: true } as const;
  const output = new TextOutput(writer, options);
  const text = '0123456789abcde\n'.repeat(PIPE_BYTES);
  output.write(text);
  let got = '';
  const ended = output.flush();
  await until(() => {
    got += taken(reader);
    return got.length === text.length;
  });
  expect(await ended).toBeUndefined();
  expect(got).toBe(text);
});

test('of a command the first error is the last: what comes behind it is nothing', async () => {
  const { reader, writer } = pipe();
  const output = new TextOutput(writer, { ...LOG, tries: 'once', mayBlock: true });
  closeSync(reader);
  output.write('a line\n');
  expect(await output.flush()).toBe('EPIPE');
  output.write('another\n');
  expect(await output.flush()).toBe('EPIPE');
});
