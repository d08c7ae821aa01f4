#!/bin/bash
# ext4 through power cuts, as a user without root (docs/crash.md, Examples): files that were synced are there, and the file
# system is whole; with barrier=0, which sends no flush, neither. $TNULL: the program. LIMIT: images for each (60).
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

if [ "$1" = record ]; then
  for barrier in 1 0; do
    record "$2/$barrier.tj" ext4 barrier=$barrier "node '$here/files.js'"
  done
  exit
fi

in_uml record "$place"
check="'$checks/ext4.sh' '$checks/files.sh'"
echo 'barrier=1:'
explore "$place/1.tj" begin "$check"
echo 'barrier=0:'
status=0
explore "$place/0.tj" begin "$check" || status=$?
[ $status = 1 ]
$TNULL crash shrink "$place/0.tj" "$(first_failure)" --check "$check"
