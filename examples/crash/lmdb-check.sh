#!/bin/sh
# What lmdb.js wrote, after a power cut, in the folder above its environment. Status: 21 broken, 22 acknowledged and lost.
checks=$(cd "$(dirname "$0")/../checks" && pwd)
promised=$(sed -n 's/^commit //p' "$TNULL_CRASH_MARKS" | tail -n 1)
[ -n "$promised" ] || exit 0
[ -e env/data.mdb ] || {
  echo "commit $promised was acknowledged, and there is no database"
  exit 22
}
"$checks/lmdb.sh" env || exit
found=$(mdb_dump -p env | sed -n 's/^ \([0-9]*\) x.*/\1/p' | sort -u)
case $found in
  '' | *[!0-9]*)
    echo 'parts of several commits:' $found
    exit 21
    ;;
esac
[ "$found" -ge "$promised" ] || {
  echo "commit $promised was acknowledged, and commit $found is the last one there"
  exit 22
}
