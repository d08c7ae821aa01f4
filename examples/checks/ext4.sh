#!/bin/sh
# An ext4 file system after a power cut: its journal is replayed, as a mount does, and e2fsck must find nothing
# then. Without a kernel and without root.
#
#   ext4.sh [COMMAND]     COMMAND: a shell command that runs in a folder with the files as they are then
#
# Status: 20 the file system is broken, else that of COMMAND.
PATH=$PATH:/usr/sbin:/sbin
[ -n "$TMPDIR" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
image=$place/image
nbdcopy -- "$uri" "$image" || exit 1

# Replays the journal and frees what was deleted while it was open, and nothing else: only -f would look further.
e2fsck -p "$image" >"$place/said" 2>&1
[ $? -le 1 ] && e2fsck -fn "$image" >>"$place/said" 2>&1 || {
  cat "$place/said"
  exit 20
}
[ $# = 0 ] && exit 0
mkdir "$place/files"
debugfs -R "rdump / $place/files" "$image" >"$place/said" 2>&1 || exit 1
cd "$place/files" || exit 1
sh -c "$1"
