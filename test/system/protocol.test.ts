/** Clients that get a lower form of the protocol than they know. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

describeEachDebian(({ run, nbdsh }) => {
  test.each(['simple', 'structured', 'extended'])('--protocol %s', async (protocol) => {
    const tnull = await startTnull(['--protocol', protocol, 'size=16', 'memory_backed=1']);
    const chunks = protocol === 'simple' ? 'not ' : '';
    await nbdsh(tnull.uri, `assert ${chunks}h.get_structured_replies_negotiated()`);
    const image = join(tnull.folder, 'image');
    await run('dd', 'if=/dev/urandom', `of=${image}`, 'bs=1M', 'count=16', 'status=none');
    await run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', image, tnull.uri);
    const back = join(tnull.folder, 'back');
    await run('nbdcopy', tnull.uri, back);
    await run('cmp', image, back);
    const same = await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', image, tnull.uri);
    expect(same).toContain('identical');
    expect(await tnull.stop()).toBe(0);
  });
});
