#!/bin/bash
# Runs inside user-mode Linux: the life of /dev/nbd0 on tnull, from attach to detach, every step
# judged by a program that is not ours.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

serve --memory-backed --discard size=512 || die 'tnull does not start'
check 'tnull says that it is ready' \
  grep -q "^nbd+unix:///nullb0?socket=$socket 536870912 bytes\$" "$folder/ready"

check 'nbd-client attaches with blocks of 4096' attach nullb0 -b 4096
check 'the logical block size is 4096' is queue/logical_block_size 4096
check 'flushes are offered without a cache too' is queue/write_cache 'write back'
check 'FUA is offered without a cache too' is queue/fua 1
check 'the disk does not rotate' is queue/rotational 0
check 'discards are offered' above queue/discard_max_bytes 0
check 'mkfs.ext4 makes a file system' mkfs.ext4 -q $device
check 'it is mounted' mount $device "$m"
check 'a tree is copied' cp -r node_modules/pino src "$m/"
check 'it is written back' forget
check 'the copy of src compares equal' diff -r src "$m/src"
check 'the copy of a package compares equal' diff -r node_modules/pino "$m/pino"
check 'fstrim discards' fstrim -v "$m"
check 'it is unmounted' umount "$m"
check 'fsck finds nothing' clean
check 'fio verifies random writes' fio --name=v --filename=$device --direct=1 --ioengine=libaio \
  --rw=randwrite --bs=4k --iodepth=32 --size=32M --verify=crc32c --verify_fatal=1
check 'blkdiscard discards all' blkdiscard -f $device
check 'discarded data are zeros' cmp -n 1048576 $device /dev/zero
check 'nbd-client detaches' detach
check 'nbd-client attaches with four connections and blocks of 512' attach nullb0 -b 512 -C 4
check 'the logical block size is 512' is queue/logical_block_size 512
check 'fio verifies over four connections' fio --name=c --filename=$device --direct=1 \
  --ioengine=libaio --rw=randwrite --bs=4k --iodepth=16 --numjobs=2 --offset_increment=64M \
  --size=8M --verify=crc32c --verify_fatal=1
check 'nbd-client detaches again' detach
check 'tnull ends with status 0, and met no bug' stop
verdict
