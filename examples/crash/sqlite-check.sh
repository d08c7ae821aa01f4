#!/bin/sh
# What sqlite.js wrote, after a power cut, in the folder of its database: it is whole, no commit is there in part, and
# each that was acknowledged is there. Status: 21 broken, 22 acknowledged and lost.
checks=$(cd "$(dirname "$0")/../checks" && pwd)
promised=$(sed -n 's/^commit //p' "$TNULL_CRASH_MARKS" | tail -n 1)
[ -n "$promised" ] || exit 0
[ -e test.db ] || {
  echo "commit $promised was acknowledged, and there is no database"
  exit 22
}
"$checks/sqlite.sh" test.db || exit

found=$(sqlite3 -batch test.db 'SELECT DISTINCT n FROM t' 2>&1)
case $found in
  *[!0-9]*)
    echo 'parts of several commits:' $found
    exit 21
    ;;
esac
[ "$found" -ge "$promised" ] || {
  echo "commit $promised was acknowledged, and commit $found is the last one there"
  exit 22
}
