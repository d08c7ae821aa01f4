/** Situations that users of both Debians bring about, each a few commands of a shell on a device of its
 *  own: odd sizes and blocks, read-only, formats in and over a device, other servers on top of it. */

import { expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

const MEMORY = 'memory_backed=1 discard=1';
/** Random data of the device's size in $T/in. */
const random = (size: string): string => `head -c ${size} /dev/urandom >"$T/in"`;
const copied = 'nbdcopy "$T/in" "$uri"; nbdcopy "$uri" "$T/out"; cmp "$T/in" "$T/out"';
const converted =
  'qemu-img convert -n -f raw -O raw "$T/in" "$uri"; qemu-img compare -f raw -F raw "$T/in" "$uri"';
const fio = (words: string): string =>
  `fio --name=f --ioengine=nbd --uri="$uri" --verify=crc32c --verify_state_save=0 ${words}`;
const io = (format: string, image: string, ...commands: string[]): string =>
  `qemu-io -f ${format} ${commands.map((one) => `-c '${one}'`).join(' ')} ${image}`;
const raw = (...commands: string[]): string => io('raw', '"$uri"', ...commands);
const endless = fio(
  '--thread --rw=randrw --bs=64k --iodepth=32 --size=16M --time_based --runtime=60',
);
/** Kills clients in the middle of what they do. */
const killed = `for i in 1 2 3; do
  ${endless} >/dev/null 2>&1 &
  sleep 0.5; kill -KILL $!; wait $! || true
done`;
/** qemu-nbd serves the device on. */
const servedOn = (format: string, words: string): string => `
  qemu-nbd -f ${format} -k "$T/on" ${words} -t --fork --pid-file="$T/pid" "$uri"
  trap 'kill $(cat "$T/pid")' EXIT
  nbdcopy --connections=4 "$T/in" "nbd+unix:///?socket=$T/on"
  nbdcopy --connections=4 "nbd+unix:///?socket=$T/on" "$T/out"; cmp "$T/in" "$T/out"`;

const rows: readonly [title: string, words: string, shell: string][] = [
  ['blocks of 2048, converted', `${MEMORY} size=16 bs=2048`, `${random('16M')}; ${converted}`],
  [
    'aligned requests only: qemu',
    `--alignment error ${MEMORY} size=16 bs=4096`,
    raw('write -P 1 512 1024', 'read -P 1 512 1024', 'read -P 0 0 512'),
  ],
  [
    'aligned requests only: nbdcopy',
    `--alignment error ${MEMORY} size=16 bs=4096`,
    `${random('16M')}; ${copied}`,
  ],
  [
    'aligned requests only: fio',
    `--alignment error ${MEMORY} size=16 bs=4096`,
    fio('--rw=randwrite --bs=4k --size=8M'),
  ],
  [
    'one byte',
    'size_bytes=1 memory_backed=1',
    'printf x | nbdcopy - "$uri"; [ "$(nbdcopy "$uri" -)" = x ]',
  ],
  ['511 bytes', 'size_bytes=511 memory_backed=1', raw('write -P 1 0 511', 'read -P 1 0 511')],
  [
    '100,001 bytes in blocks of 4096',
    `${MEMORY} size_bytes=100001 bs=4096`,
    raw('write -P 1 0 100001', 'discard 50000 50001', 'read -P 1 0 50000'),
  ],
  [
    'read-only: read and converted',
    '--read-only memory_backed=1 size=16',
    `${raw('read -P 0 0 64k').replace('qemu-io', 'qemu-io -r')}
     qemu-img convert -f raw -O qcow2 "$uri" "$T/q"`,
  ],
  [
    'read-only: neither written nor copied to',
    '--read-only memory_backed=1 size=1',
    `if ${raw('write 0 64k')}; then exit 1; fi
     ${random('1M')}; if nbdcopy "$T/in" "$uri"; then exit 1; fi`,
  ],
  [
    'read-only: below an overlay',
    '--read-only memory_backed=1 size=64',
    `qemu-img create -f qcow2 -b "$uri" -F raw "$T/q"
     ${io('qcow2', '"$T/q"', 'write -P 7 1M 1M', 'read -P 7 1M 1M', 'read -P 0 2M 1M')}`,
  ],
  [
    '1 TiB, nearly empty, converted',
    `${MEMORY} size_bytes=1099511627776`,
    `${raw('write -P 1 500G 1M')}; qemu-img convert -f raw -O qcow2 "$uri" "$T/q"
     ${io('qcow2', '"$T/q"', 'read -P 1 500G 1M', 'read -P 0 501G 1M')}`,
  ],
  [
    '16 TiB, mapped',
    `${MEMORY} size_bytes=17592186044416`,
    `${raw('write -P 1 8796093022208 64k')}
     qemu-img map -f raw --output=json "$uri" | grep -q '"start": 8796093022208, "length": 65536'
     nbdinfo --map "$uri" | grep -Eq '8796093022208 +65536 +0 +data'`,
  ],
  [
    'zones, filled in order',
    'memory_backed=1 zoned=1 zone_size=4 size=16',
    `${random('16M')}; ${copied.replace('nbdcopy', 'nbdcopy --synchronous')}`,
  ],
  [
    'zones, converted to',
    'memory_backed=1 zoned=1 zone_size=4 size=16',
    `${random('16M')}; ${converted.replace('-n', '-m 1 -n --target-is-zero')}`,
  ],
  [
    '64 connections',
    `${MEMORY} size=64 submit_queues=2`,
    `${random('64M')}; ${copied.replaceAll('nbdcopy', 'nbdcopy --connections=64 --requests=64')}`,
  ],
  [
    'requests of 32 MiB',
    `${MEMORY} size=64`,
    `${random('64M')}; ${copied.replaceAll('nbdcopy', 'nbdcopy --request-size=$((32 << 20))')}`,
  ],
  [
    'payloads of 1 MiB at most',
    `--max-payload 1M ${MEMORY} size=16`,
    `${random('16M')}; ${copied}; ${converted}`,
  ],
  ['parts of 8 sectors', `${MEMORY} size=16 max_sectors=8`, `${random('16M')}; ${converted}`],
  [
    'an fsync behind each write',
    'memory_backed=1 size=16',
    fio('--rw=randwrite --bs=4k --size=2M --fsync=1'),
  ],
  [
    '16 jobs',
    '--threads 2 memory_backed=1 size=64',
    fio('--rw=randwrite --bs=4k --size=2M --numjobs=16 --offset_increment=4M --iodepth=8'),
  ],
  [
    'sizes that are no blocks',
    'memory_backed=1 size=16 bs=4096',
    fio(
      '--rw=randwrite --bssplit=512/20:1536/20:3k/20:9k/40 --bs_unaligned --size=8M --iodepth=16',
    ),
  ],
  [
    'verified meanwhile, through a cache',
    'memory_backed=1 size=16 cache_size=2',
    fio('--rw=randrw --bs=4k --size=8M --iodepth=32 --verify_backlog=64'),
  ],
  [
    'clients that are killed',
    `${MEMORY} size=16`,
    `${killed}; ${raw('write -P 1 0 1M', 'read -P 1 0 1M')}`,
  ],
  [
    'clients that are killed, on threads',
    `--threads 2 ${MEMORY} size=16 irqmode=2 completion_nsec=1000000`,
    `${killed}; ${raw('write -P 1 0 1M', 'read -P 1 0 1M')}`,
  ],
  [
    'simple replies',
    `--protocol simple ${MEMORY} size=16`,
    `${random('16M')}; ${converted}; ${copied}`,
  ],
  [
    'structured replies',
    `--protocol structured ${MEMORY} size=16`,
    `${random('16M')}; ${converted}; ${copied}`,
  ],
  [
    'qemu-nbd on top',
    `${MEMORY} size=16`,
    `${random('16M')}; ${servedOn('raw', '--discard=unmap')}`,
  ],
  [
    'qemu-nbd on qcow2 in it, several clients',
    `--threads 2 ${MEMORY} size=64`,
    `${random('16M')}; qemu-img create -f qcow2 "$uri" 16M; ${servedOn('qcow2', '-e 4')}`,
  ],
  [
    'LUKS in it',
    'memory_backed=1 size=32',
    `secret='--object secret,id=s,data=abc' file=file.server.type=unix,file.server.path=$socket
     qemu-img create $secret -f luks -o key-secret=s,iter-time=10 "$uri" 16M
     qemu-io $secret -c 'write -P 5 1M 1M' -c 'read -P 5 1M 1M' --image-opts \\
       driver=luks,key-secret=s,file.driver=nbd,file.export=nullb0,"$file"`,
  ],
  [
    'converted to all formats',
    `${MEMORY} size=16`,
    `${raw('write -P 5 1M 1M')}
     for format in qcow2 vmdk vdi vhdx vpc qed parallels; do
       qemu-img convert -f raw -O $format "$uri" "$T/$format"
       qemu-img compare -f raw -F $format "$uri" "$T/$format"
     done`,
  ],
];

describeEachDebian(({ run }) => {
  test.each(rows)('%s', async (_, words, shell) => {
    const tnull = await startTnull(words.split(' '));
    const { uri, folder } = tnull;
    const places = `uri='${uri}' socket='${folder}/s' T='${folder}'`;
    await run('bash', '-c', `set -eu -o pipefail; ${places}\n${shell}`);
    expect(tnull.stderr()).not.toContain('"level":50');
    expect(await tnull.stop()).toBe(0);
  });
});
