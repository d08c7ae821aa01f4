#!/bin/bash
# Runs inside user-mode Linux: sectors go bad under a mounted ext4 and become good again, by
# `tnull set` while it runs; what the kernel, badblocks(8) and e2fsck make of it.
set -uo pipefail
. "$(dirname "$0")/guest.sh"
block=4096

# physical FILE: the file's block numbers on the device, one a line.
physical() { debugfs -R "blocks /$1" $device 2>/dev/null | tr ' ' '\n' | grep .; }

# spoil SIGN BLOCK...: bad (+) or good (-), a file system block each.
spoil() {
  local sign=$1 text='' one
  shift
  for one; do text+="$sign$((one * 8))-$((one * 8 + 7))"$'\n'; done
  tnull set d "badblocks=$text"
}

reads() { forget && cmp "$folder/$1" "$m/$1"; }
# Block by block: which blocks of a file read, which fail.
unreadable() {
  forget
  local at size
  size=$(stat -c %s "$m/$1")
  for ((at = 0; at < size / block; at++)); do
    dd if="$m/$1" of=/dev/null bs=$block skip=$at count=1 iflag=direct status=none 2>/dev/null || echo "$at"
  done
}
same() { [ "$1" = "$2" ] || { printf 'got:\n%s\nnot:\n%s\n' "$1" "$2"; return 1; }; }
none() {
  local said
  said=$("$@") && [ -z "$said" ] || { echo "status $?: $said"; return 1; }
}
# badblocks(8), as it reads the whole device.
found() { badblocks -b $block $device 2>/dev/null; }
listed() { dumpe2fs -b $device 2>/dev/null; }
fills_up() { fails_with 'No space left on device' dd if=/dev/urandom of="$m/all" bs=64k; }
all_reads() { forget && find "$m" -type f -exec cat {} + >/dev/null; }
checks_and_lists() {
  e2fsck -fcy $device
  local status=$?
  [ $status -le 1 ] || return $status
  e2fsck -fn $device
}

serve nr_devices=0 || die 'tnull does not start'
check 'a device of 32 MiB is made' tnull create d size=32 memory_backed=1 --power-on
check 'it is attached' attach d
check 'mkfs.ext4 makes a file system' mkfs.ext4 -q -b $block $device
check 'it is mounted' mount $device "$m"
for name in good bad; do
  head -c 262144 /dev/urandom >"$folder/$name"
  cp "$folder/$name" "$m/$name"
done
forget
mapfile -t blocks < <(physical bad)
spoilt=("${blocks[3]}" "${blocks[4]}" "${blocks[40]}")

echo '# live, mounted'
check 'the bad file reads before' reads bad
check 'three of its blocks go bad' spoil + "${spoilt[@]}"
check 'the whole file gives EIO' fails_with 'Input/output error' reads bad
check 'just its three blocks do' same "$(unreadable bad)" $'3\n4\n40'
check 'the good file is as it was' reads good
check 'a bad block cannot be written either' fails_with 'Input/output error' \
  dd if=/dev/zero of="$m/bad" bs=$block seek=4 count=1 conv=notrunc oflag=direct
check 'new files are written and read' bash -c "cp -r src '$m/' && sync && diff -r src '$m/src'"
check 'badblocks(8) finds exactly the three' same "$(found)" "$(printf '%s\n' "${spoilt[@]}")"
check 'they become good again' spoil - "${spoilt[@]}"
check 'the bad file reads again, whole' reads bad
check 'badblocks(8) finds none' none found
check 'tnull lists none' none tnull get d badblocks
one=$((blocks[9] * 8 + 5))
check 'a single sector goes bad' tnull set d "badblocks=+$one-$one"
check 'badblocks(8) finds the block that holds it' same "$(found)" "${blocks[9]}"
check 'it becomes good again' spoil - "${blocks[9]}"
check 'it is unmounted' umount "$m"
check 'fsck finds nothing' clean

echo '# in free space, unmounted'
free=$(dumpe2fs $device 2>/dev/null | sed -nE 's/^  Free blocks: .*[ ,]([0-9]+)-([0-9]+)$/\2/p' | tail -n 1)
spoilt=($((free - 3)) $((free - 2)) "$free")
check 'three free blocks go bad' spoil + "${spoilt[@]}"
check 'e2fsck -c takes them out of use' checks_and_lists
check 'it lists exactly the three' same "$(listed)" "$(printf '%s\n' "${spoilt[@]}")"
check 'it is mounted again' mount $device "$m"
check 'files fill it up, ENOSPC and no EIO' fills_up
check 'all of it reads' all_reads
check 'it is unmounted again' umount "$m"
check 'they become good again' spoil - "${spoilt[@]}"
check 'e2fsck -c puts them to use' checks_and_lists
check 'it lists none' none listed
check 'nbd-client detaches' detach
check 'tnull ends with status 0, and met no bug' stop
verdict
