#!/bin/bash
# LMDB, a key-value store, on ext4 through power cuts, as a user without root (docs/crash.md, Examples): nothing is lost; with
# barrier=0 it is. $TNULL: the program. LIMIT: images for each (60).
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

if [ "$1" = record ]; then
  for barrier in 1 0; do
    record "$2/$barrier.tj" ext4 commit=1,barrier=$barrier "node '$here/lmdb.js'"
  done
  exit
fi

in_uml record "$place"
check="'$checks/ext4.sh' '$here/lmdb-check.sh'"
echo 'barrier=1:'
explore "$place/1.tj" 'commit 0' "$check"
echo 'barrier=0:'
status=0
explore "$place/0.tj" 'commit 0' "$check" || status=$?
[ $status = 1 ]
