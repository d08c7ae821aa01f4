#!/bin/bash
# Runs inside user-mode Linux: the life of /dev/nbd0 on tnull, from attach to detach, every step
# judged by a program that is not ours.
set -uo pipefail
. "$(dirname "$0")/../../scripts/common.sh"
cd "$checkout" || exit 1
socket=/run/tnull.sock
device=/dev/nbd0
queue=/sys/block/nbd0/queue
m=/run/m

TNULL_DEBUG=1 node bin/tnull.js --memory-backed --discard size=512 -U "$socket" >/run/ready 2>/run/log &
tnull=$!
for _ in $(seq 300); do [ -s /run/ready ] && break; sleep 0.1; done
check 'tnull says that it is ready' grep -q "^nbd+unix:///nullb0?socket=$socket 536870912 bytes\$" /run/ready
check 'the nbd module loads' modprobe nbd nbds_max=2
is() { [ "$(cat "$queue/$1")" = "$2" ] || { echo "$1 is $(cat "$queue/$1"), not $2"; return 1; }; }

check 'nbd-client attaches with blocks of 4096' nbd-client -unix $socket $device -N nullb0 -b 4096
check 'the logical block size is 4096' is logical_block_size 4096
check 'the write cache is to be flushed' is write_cache 'write back'
check 'FUA is offered' is fua 1
check 'the disk does not rotate' is rotational 0
check 'discards are offered' test "$(cat $queue/discard_max_bytes)" -gt 0
check 'mkfs.ext4 makes a file system' mkfs.ext4 -q $device
mkdir -p $m
check 'it is mounted' mount $device $m
check 'a tree is copied' cp -r node_modules/pino src $m/
check 'it is written back' sync
echo 3 >/proc/sys/vm/drop_caches
check 'the copy of src compares equal' diff -r src $m/src
check 'the copy of a package compares equal' diff -r node_modules/pino $m/pino
check 'fstrim discards' fstrim -v $m
check 'it is unmounted' umount $m
check 'fsck finds nothing' fsck.ext4 -fn $device
check 'fio verifies random writes' fio --name=v --filename=$device --direct=1 --ioengine=libaio \
  --rw=randwrite --bs=4k --iodepth=32 --size=32M --verify=crc32c --verify_fatal=1
check 'blkdiscard discards all' blkdiscard -f $device
check 'discarded data are zeros' cmp -n 1048576 $device /dev/zero
check 'nbd-client detaches' nbd-client -d $device
check 'nbd-client attaches with four connections and blocks of 512' \
  nbd-client -unix $socket $device -N nullb0 -b 512 -C 4
check 'the logical block size is 512' is logical_block_size 512
check 'fio verifies over four connections' fio --name=c --filename=$device --direct=1 \
  --ioengine=libaio --rw=randwrite --bs=4k --iodepth=16 --numjobs=2 --offset_increment=64M \
  --size=8M --verify=crc32c --verify_fatal=1
check 'nbd-client detaches again' nbd-client -d $device
kill -TERM $tnull
wait $tnull
status=$?
check 'tnull ends with status 0' test $status = 0
check 'tnull met no bug' bash -c '! grep -i "bug:" /run/log'
verdict
