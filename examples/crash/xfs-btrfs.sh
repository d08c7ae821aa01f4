#!/bin/bash
# xfs and btrfs through power cuts, as a user without root (docs/crash.md, Examples): a kernel mounts each image, which
# recovers it, looks for the files that were synced, and the file system's own tool judges it. All of it runs in a kernel
# of its own. $TNULL: the program. LIMIT: images for each (20).
#
#   xfs-btrfs.sh [xfs|btrfs ...]
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export LIMIT=${LIMIT:-20}

if [ "$1" = inside ]; then
  place=/run/xfs-btrfs
  mkdir -p $place
  for type in ${2:-xfs btrfs}; do
    echo "$type:"
    record $place/$type.tj $type noatime "node '$here/files.js'"
    explore $place/$type.tj begin "'$checks/mounted.sh' $type '$checks/files.sh'" --jobs 1
    # Its trees are whole as they lie there, too, before a kernel has recovered anything.
    [ $type != btrfs ] || explore $place/btrfs.tj begin "'$checks/btrfs.sh'" --jobs 1
  done
  exit
fi

in_uml inside "$*"
