#!/bin/bash
# A file system after a power cut, by a kernel: it is mounted, which recovers it, unmounted, and then judged by
# its own tool, which must find nothing. Takes root and the module nbd.
#
#   mounted.sh ext4|xfs|btrfs [COMMAND]     COMMAND: a shell command that runs in the mounted file system
#
# Status: 20 the file system is broken, else that of COMMAND. DEVICE: the device to use (/dev/nbd1).
PATH=$PATH:/usr/sbin:/sbin
device=${DEVICE:-/dev/nbd1}
case $1 in
  ext4) judge='e2fsck -fn' ;;
  xfs) judge='xfs_repair -n' ;;
  btrfs) judge='btrfs check' ;;
  *) echo "no file system '$1'"; exit 1 ;;
esac
place=$(mktemp -d) || exit 1
trap 'umount "$place" 2>/dev/null; nbd-client -d "$device" >/dev/null 2>&1; rmdir "$place"' EXIT

nbd-client -unix "$unixsocket" "$device" -N nullb0 -b 4096 >/dev/null 2>&1 || exit 1
mount -t "$1" "$device" "$place" || exit 20
status=0
if [ $# = 2 ]; then
  (cd "$place" && sh -c "$2")
  status=$?
fi
umount "$place" || exit 1
said=$($judge "$device" 2>&1) || {
  echo "$said"
  exit 20
}
exit "$status"
