#!/bin/bash
# ext4 through power cuts, as a user without root (docs/crash.md, File systems): files that were synced are there, and the
# file system is whole. With barrier=0, which sends no flush, neither; and one flush that lies is found, too.
# $TNULL: the program. LIMIT: images for each (60).
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

if [ "$1" = record ]; then
  for barrier in 1 0; do
    record "$2/barrier=$barrier.tj" ext4 barrier=$barrier "node '$here/files.js'"
  done
  RULE='op=flush lie=1 nth=8' record "$2/one flush lies.tj" ext4 barrier=1 "node '$here/files.js'"
  exit
fi

in_uml record "$place"
check="'$checks/ext4.sh' '$checks/files.sh'"
for name in 'barrier=1' 'barrier=0' 'one flush lies'; do
  echo "$name:"
  status=0
  explore "$place/$name.tj" begin "$check" || status=$?
  if [ "$name" = barrier=1 ]; then
    [ $status = 0 ]
  else
    [ $status = 1 ]
    $TNULL crash shrink "$place/$name.tj" "$(first_failure)" --check "$check"
  fi
done
