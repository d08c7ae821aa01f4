#!/bin/bash
# SQLite on ext4 through power cuts, as a user without root (docs/crash.md, Examples): with synchronous=FULL, the journal
# mode WAL loses nothing, DELETE the last commit; OFF loses more. Both losses are found and shrunk.
# $TNULL: the program, tnull unless it is set. LIMIT: images for each (60).
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"

if [ "$1" = record ]; then
  write_back_soon
  for name in wal-full delete-full delete-off; do
    record "$2/$name.tj" ext4 commit=1 "node '$here/sqlite.js' ${name/-/ }"
  done
  exit
fi

in_uml record "$place"
check="'$checks/ext4.sh' '$here/sqlite-check.sh'"
for name in wal-full delete-full delete-off; do
  echo "$name:"
  status=0
  explore "$place/$name.tj" 'commit 0' "$check" || status=$?
  if [ $name = wal-full ]; then
    [ $status = 0 ]
  else
    [ $status = 1 ]
    $TNULL crash shrink "$place/$name.tj" "$(first_failure)" --check "$check"
  fi
done
