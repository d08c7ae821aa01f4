#!/bin/sh
# A btrfs file system after a power cut: at every moment its trees on the disk must be whole. Without a kernel and
# without root; so it does not know what the log of fsync holds: mounted.sh does.
#
# Status: 20 the file system is broken.
PATH=$PATH:/usr/sbin:/sbin
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
nbdcopy -- "$uri" "$place/image" || exit 1
btrfs check "$place/image" >"$place/said" 2>&1 || {
  cat "$place/said"
  exit 20
}
