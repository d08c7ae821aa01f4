#!/bin/bash
# Runs inside user-mode Linux: other file systems than ext4, each on a device with a cache whose power
# is cut once everything is synced: all of it must be there.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

declare -A make=(
  [xfs]='mkfs.xfs -q -f' [btrfs]='mkfs.btrfs -q -f' [f2fs]='mkfs.f2fs -q -f'
)
declare -A judge=(
  [xfs]='xfs_repair -n' [btrfs]='btrfs check' [f2fs]='fsck.f2fs --dry-run'
)
written() { cp -r src node_modules/pino "$m/" && sync -f "$m"; }
compare() { forget && diff -r src "$m/src" && diff -r node_modules/pino "$m/pino"; }
cut_power() { tnull set d power=0 && detach; umount "$m" && tnull set d power=1 && attach d -b 4096; }

serve nr_devices=0 || die 'tnull does not start'
for name in xfs btrfs f2fs; do
  check 'a device is made' \
    tnull create d size=512 memory_backed=1 discard=1 blocksize=4096 cache_size=16 --power-on
  check 'it is attached' attach d -b 4096
  # shellcheck disable=SC2086 # words
  check "$name is made" ${make[$name]} $device
  check 'it is mounted' mount -t $name -o discard $device "$m"
  check 'trees are copied and synced' written
  check 'the power is cut' cut_power
  check "$name is mounted again" mount -t $name $device "$m"
  check 'all of it is there' compare
  check 'fstrim discards' fstrim -v "$m"
  check 'it is unmounted' umount "$m"
  # shellcheck disable=SC2086 # words
  check "the check of $name finds nothing" ${judge[$name]} $device
  check 'it is detached' detach
  check 'it is removed' tnull remove d
done
check 'tnull ends with status 0, and met no bug' stop
verdict
