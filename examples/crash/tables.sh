#!/bin/bash
# The tables of docs/crash.md, as rows of Markdown: SQLite in 4 journal modes with 4 settings of synchronous, and ext4 with
# and without barriers. As a user without root; some minutes. LIMIT: images for each (500).
#
#   tables.sh [sqlite] [ext4]
set -e
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
export LIMIT=${LIMIT:-500}

sqlite=({delete,truncate,persist,wal}-{off,normal,full,extra})
if [ "$1" = record ]; then
  if [[ $3 = *sqlite* ]]; then
    write_back_soon
    for name in "${sqlite[@]}"; do
      record "$2/$name.tj" ext4 commit=1 "node '$here/sqlite.js' ${name/-/ }"
    done
  fi
  if [[ $3 = *ext4* ]]; then
    for barrier in 1 0; do
      record "$2/$barrier.tj" ext4 barrier=$barrier "node '$here/files.js'"
    done
  fi
  exit
fi

# row NAME FILE.tj MARK CHECK
row() {
  explore "$2" "$3" "$4" --keep-going >"$place/said" || [ $? = 1 ]
  echo "| $1 | $(node "$here/counts.js" "$place/report.json") |"
}

which=${*:-sqlite ext4}
in_uml record "$place" "$which"
if [[ $which = *sqlite* ]]; then
  echo '| journal mode | synchronous | images | tried | file system broken | database broken | acknowledged and lost |'
  echo '| --- | --- | --- | --- | --- | --- | --- |'
  for name in "${sqlite[@]}"; do
    row "${name/-/ | }" "$place/$name.tj" 'commit 0' "'$checks/ext4.sh' '$here/sqlite-check.sh'"
  done
fi
if [[ $which = *ext4* ]]; then
  echo '| mounted with | images | tried | file system broken | files broken | synced and lost |'
  echo '| --- | --- | --- | --- | --- | --- |'
  for barrier in 1 0; do
    row "barrier=$barrier" "$place/$barrier.tj" begin "'$checks/ext4.sh' '$checks/files.sh'"
  done
fi
