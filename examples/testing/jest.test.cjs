// Jest: as CommonJS, which it runs without further settings.

const { execFileSync } = require('node:child_process');
const { startDevice } = require('tnull');

let disk;

beforeAll(async () => {
  disk = await startDevice({ size_bytes: '64K', memory_backed: true });
});
afterAll(() => disk.stop());
beforeEach(() => disk.snapshot('clean'));
afterEach(async () => {
  await disk.rollback('clean');
  await disk.destroySnapshot('clean');
});

// The server is a process of its own: a test that waits for a program does not hold it up.
const read = () => execFileSync('nbdcopy', [disk.uri, '-']).readUInt8(0);

test('what a test writes', () => {
  execFileSync('nbdcopy', [__filename, disk.uri]);
  expect(read()).toBe('/'.charCodeAt(0));
});

test('the next one does not see', () => {
  expect(read()).toBe(0);
});
