// The simulator and the daemon's data path as one module: compiled at once, so that a run starts at once.

import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

export default {
  cwd: top,
  input: { main: 'test/sim/main.ts' },
  platform: 'node',
  external: /^(ajv|commander|fastify|pino|pino-pretty)(\/|$)/,
  resolve: {
    alias: { 'nbd-server-protocol-ts': `${top}packages/nbd-server-protocol-ts/src/index.ts` },
  },
  output: { dir: '.cache/sim', cleanDir: true, sourcemap: true },
};
