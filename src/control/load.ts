/** Loads the API on first use: its libraries take longer than the whole start of the program. In slices, so
 *  that the data path waits 4 ms at a time, not 80 (measured). */

import type { Api, ApiOptions } from './api.ts';
import { libraries } from './libraries.ts';
import { preload } from './preload.ts';

async function load(options: ApiOptions): Promise<Api> {
  const { slicer } = options.tree;
  for (const name of libraries) {
    // It is loaded below in any case, and reports errors there.
    await slicer.run(preload(import.meta.url, name)).catch(() => {});
  }
  const { makeApi } = await import('./api.ts');
  return await makeApi(options);
}

/** One API for all callers. */
export function lazyApi(options: ApiOptions): () => Promise<Api> {
  let loading: Promise<Api> | undefined;
  return () => {
    loading ??= load(options);
    return loading;
  };
}
