// What makes the generated documents, as one module out of the sources: nothing has to be built before.

import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

export default {
  cwd: top,
  input: { main: 'scripts/docs/main.ts' },
  platform: 'node',
  external: /^(ajv|commander|fastify|pino|pino-pretty)(\/|$)/,
  resolve: {
    alias: { 'nbd-server-protocol-ts': `${top}packages/nbd-server-protocol-ts/src/index.ts` },
  },
  output: { dir: '.cache/docs', cleanDir: true },
};
