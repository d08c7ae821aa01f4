/** The lines that install the program: packages are made from a checkout, none is fetched by a name of ours. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test.each(['README.md', 'docs/running.md', 'docs/testing.md'])(
  '%s installs from a checkout',
  (path) => {
    const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    const lines = text.match(/^.*npm install.*$/gm) ?? [];
    expect(lines).not.toEqual([]);
    // The registry has neither: such a line would fail, or bring somebody else's package.
    expect(lines.filter((line) => /npm install[^&|;#]* (tnull|nbd-server)/.test(line))).toEqual([]);
  },
);
