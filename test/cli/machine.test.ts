/** The NUMA nodes of a machine, from Linux's list. driver.md section 1, use_per_node_hctx. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onlineNodes, thisMachine } from '../../src/cli/machine.ts';
import { folder } from '../folder.ts';

test.each([
  ['0\n', [0]],
  ['0-1\n', [0, 1]],
  ['0,2-4,7\n', [0, 2, 3, 4, 7]],
  ['1', [1]],
  ['', [0]],
  ['\n', [0]],
  ['some\n', [0]],
  ['0-', [0]],
  ['3-1', [0]],
  ['0-99999999', [0]],
])('%j names %j', (text, nodes) => {
  const path = join(folder(), 'online');
  writeFileSync(path, text);
  expect(onlineNodes(path)).toEqual(nodes);
});

test('without a list there is node 0', () => {
  expect(onlineNodes('/nonexistent/online')).toEqual([0]);
});

test('this machine has a processor and a node', () => {
  const { cpus, nodes } = thisMachine();
  expect(cpus).toBeGreaterThan(0);
  expect(nodes.length).toBeGreaterThan(0);
});
