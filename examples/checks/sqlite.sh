#!/bin/sh
# A database of SQLite after a power cut: SQLite recovers it by itself when it opens it, and must then find it whole.
#
#   sqlite.sh FILE [QUERY]     QUERY: SQL that must say `ok`
#
# Status: 21 the database is broken.
said=$(sqlite3 -batch -bail "$1" "PRAGMA integrity_check; ${2:-SELECT 'ok';}" 2>&1)
[ "$said" = 'ok
ok' ] || {
  echo "$said"
  exit 21
}
