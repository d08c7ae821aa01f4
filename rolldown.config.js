// The program in few files, since a start is mostly loading: one module of 200 takes longer to find and
// to read than to run. Other people's packages are part of it: who installs tnull gets nothing else. Those
// that a running daemon loads are packed file by file (scripts/vendor.js), so that it loads them in slices.

import { readFileSync } from 'node:fs';
import { libraries } from './scripts/vendor.js';

/** The place of a packed library, seen from the bundle. */
const vendored = (name) => `../vendor/${name}.cjs`;

const withLibraries = {
  name: 'libraries',
  resolveId: (name) => {
    return libraries.includes(name) ? { id: vendored(name), external: true } : undefined;
  },
  load: (id) => {
    if (!id.endsWith('/src/control/libraries.ts')) return undefined;
    return `export const libraries = ['${vendored('fastify')}'];`;
  },
};

/** What only commands need: help shares it with them, daemons and threads never load it. */
const files =
  /\/src\/(crash|journal)\/|\/src\/cli\/(commands\/(crash|journal)-|crash\/(?!lane|record)|file-commands|files|journal-file)/;
const commands =
  /\/src\/(client\/|cli\/(commands(\/|\.ts)|control-(client|command)|table|percentiles|attribute-words))/;
const streams = /\/src\/(cli\/process-end|daemon\/text-output)\.ts/;
const common = (id) => !files.test(id) && !commands.test(id);

const program = {
  input: { main: 'src/cli/main.ts', worker: 'src/threads/worker.ts' },
  platform: 'node',
  plugins: [withLibraries],
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
    codeSplitting: {
      groups: [
        // Alone: what loads before the standard streams are ours must not look at those of Node.
        { name: 'streams', test: streams, minShareCount: 2, priority: 5 },
        { name: 'common', test: common, minShareCount: 2, priority: 2 },
        { name: 'names', test: /\/src\/cli\/command-names\.ts/, priority: 3 },
        { name: 'files', test: files, minShareCount: 2, priority: 1 },
        { name: 'commands', test: commands, minShareCount: 2 },
      ],
    },
    comments: false,
    sourcemap: 'hidden',
    // For tests and for us: neither maps nor sources are packed.
    sourcemapExcludeSources: true,
  },
  // What is left unresolved, or goes round in circles, is a mistake of ours.
  onwarn: ({ message }) => {
    throw new Error(message);
  },
};

/** What tests import: alone, it loads in a few milliseconds. Jest knows no other modules than CommonJS. */
const client = (format, extension) => ({
  input: { client: 'src/client/index.ts' },
  platform: 'node',
  output: {
    ...{ dir: 'dist/bundle', format, entryFileNames: `[name].${extension}` },
    ...{ comments: false, sourcemap: 'hidden', sourcemapExcludeSources: true },
  },
  onwarn: program.onwarn,
});

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Comments and blanks that mean nothing. */
const small = (css) =>
  css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,>]) ?/g, '$1')
    .replace(/: /g, ':')
    .trim()
    .concat('\n');

/** What the page is beside its code. */
const pageFiles = {
  name: 'page-files',
  generateBundle(_, bundle) {
    bundle['page.js'].code += '\n';
    const css = small(read('node_modules/uplot/dist/uPlot.min.css') + read('src/page/style.css'));
    const emit = (fileName, source) => this.emitFile({ type: 'asset', fileName, source });
    emit('page.css', css);
    for (const name of ['index.html', 'icon.svg']) emit(name, read(`src/page/${name}`));
  },
};

/** What a browser gets: src/control/page-files.ts serves it. */
const page = {
  input: { page: 'src/page/main.tsx' },
  platform: 'browser',
  plugins: [pageFiles],
  output: {
    ...{ dir: 'dist/page', cleanDir: true, entryFileNames: '[name].js', minify: true },
    ...{ comments: false, sourcemap: 'hidden', sourcemapExcludeSources: true },
  },
  onwarn: program.onwarn,
};

export default [page, program, client('esm', 'js'), client('cjs', 'cjs')];
