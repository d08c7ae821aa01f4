/** `tnull reset`: all devices as they were at start. Source: test-api.md section 1. */

import type { ControlCommand } from '../control-command.ts';

export const reset: ControlCommand = {
  operands: '',
  summary: 'make all devices anew, as they were at start',
  more: 'Their data, bad blocks, rules and counters are gone, and so are devices that came later. Clients are ended.',
  least: 0,
  most: 0,
  async run({ client }) {
    await client.text('POST', '/v1/reset');
  },
};
