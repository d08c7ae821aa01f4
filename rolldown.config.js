// The program in few files, since a start is mostly loading: one module of 200 takes longer to find and
// to read than to run. Other people's packages stay out, so that they are updated without us.

const packages = /^(commander|fastify|pino|pino-pretty|prom-client)(\/|$)/;

export default {
  input: { main: 'src/cli/main.ts', worker: 'src/threads/worker.ts' },
  platform: 'node',
  external: packages,
  resolve: {
    alias: {
      'nbd-server-protocol-ts': new URL(
        'packages/nbd-server-protocol-ts/src/index.ts',
        import.meta.url,
      ).pathname,
    },
  },
  output: {
    dir: 'dist/bundle',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    // What several of the entries need is one file, not a dozen.
    codeSplitting: { groups: [{ name: 'common', minShareCount: 2 }] },
    comments: false,
    sourcemap: true,
    // Lines and names are enough for a stack; the sources themselves are not packed.
    sourcemapExcludeSources: true,
  },
  // What is left unresolved, or goes round in circles, is a mistake of ours.
  onwarn: ({ message }) => {
    throw new Error(message);
  },
};
