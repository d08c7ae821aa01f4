# What the scripts share: words, checks that count, the closing line. Sourced, never run.
# Every script that judges ends with a line `N passed, N failed`, which .ci/run adds up.
# shellcheck shell=bash

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PATH=$checkout/node_modules/.bin:$PATH:/usr/sbin:/sbin
passed=0
failed=0

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

ok() {
  passed=$((passed + 1))
  printf 'ok - %s\n' "$1"
}

not_ok() {
  failed=$((failed + 1))
  printf 'not ok - %s\n' "$1"
}

# check TITLE COMMAND...: runs it without input; its output shows only when it fails.
check() {
  local title=$1 log status
  shift
  log=$(mktemp)
  "$@" </dev/null >"$log" 2>&1
  status=$?
  if [ $status = 0 ]; then
    ok "$title"
  else
    not_ok "$title (exit $status: $*)"
    tail -n 60 "$log" | sed 's/^/  | /'
  fi
  rm -f "$log"
  return $status
}

# verdict: the closing line; fails when a check failed, or when there was none at all.
verdict() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# other_node MAJOR: the folder of another Node's program, from the npm package `node`, kept under .cache.
other_node() {
  local home=$checkout/.cache/node$1
  local programs=$home/node_modules/.bin
  if ! "$programs/node" --version 2>/dev/null | grep -q "^v$1\."; then
    mkdir -p "$home"
    npm install --prefix "$home" --no-save --no-audit --no-fund --loglevel=error "node@$1" </dev/null >&2 ||
      say "npm could not install node@$1"
  fi
  echo "$programs"
}

# vitest_counts LOG: "PASSED FAILED" from the lines `Tests  1 failed | 2 passed (3)` of a log.
vitest_counts() {
  sed -E 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^ *Tests +.*\([0-9]+\)/ {
      for (i = 2; i < NF; i++) { if ($(i + 1) == "passed") p += $i; if ($(i + 1) == "failed") f += $i }
    }
    END { print p + 0, f + 0 }'
}

# failures LOG [LINES]: what failed, from the log of a run of vitest, of checks, or of anything else.
failures() {
  sed -E 's/\x1b\[[0-9;]*m//g' "$1" |
    awk -v most="${2:-60}" -f "$checkout/scripts/failures.awk" |
    iconv -c -f UTF-8 -t UTF-8
}
