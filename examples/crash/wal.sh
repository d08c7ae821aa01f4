#!/bin/sh
# The toy write-ahead log of wal.js, through every power cut: with its bug (some images fail, and the nearest one
# that does not is found), then mended (none does). $TNULL: the program, tnull unless it is set.
set -e
here=$(cd "$(dirname "$0")" && pwd)
tnull=${TNULL:-tnull}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
check="node '$here/wal.js' check"

for WAL in buggy mended; do
  export WAL
  $tnull crash record -o "$place/$WAL.tj" size=1 --run "node '$here/wal.js' work"
  echo "$WAL:"
  status=0
  $tnull crash explore "$place/$WAL.tj" --check "$check" --order lazy --report "$place/report.json" || status=$?
  if [ $WAL = buggy ]; then
    [ $status = 1 ]
    id=$(sed 's/.*"failures":\[{"id":"\([^"]*\)".*/\1/' "$place/report.json")
    $tnull crash shrink "$place/$WAL.tj" "$id" --check "$check"
  else
    [ $status = 0 ]
  fi
done
