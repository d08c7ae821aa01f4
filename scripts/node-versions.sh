#!/bin/bash
# Unit tests on other majors of Node, each from the npm package `node` under .cache/. Left out is what
# Node has no part in: the rules of the sources, the benchmark's arithmetic, pure code and its properties.
#
#   node-versions.sh [MAJOR...]     default: 22 24 26
# TNULL_TEST_LEAVE_OUT='GLOB ...' leaves out more.
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout" || exit 1
[ $# -gt 0 ] || set -- 22 24 26

left_out="test/tidy/** test/bench/** test/config/** test/crash/** test/rules/** test/sim/** **/*.property.test.ts${TNULL_TEST_LEAVE_OUT:+ $TNULL_TEST_LEAVE_OUT}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for major; do
  node=$(other_node "$major")/node
  version=$("$node" --version 2>/dev/null) || {
    not_ok "Node $major can be started"
    continue
  }
  echo "unit tests on Node $version"
  TNULL_TEST_LEAVE_OUT="$left_out" "$node" node_modules/vitest/vitest.mjs run --reporter=default </dev/null >"$log" 2>&1
  status=$?
  [ $status = 0 ] || failures "$log" 80
  read -r p f < <(vitest_counts "$log")
  [ $status = 0 ] || [ "$f" -gt 0 ] || f=1
  [ $status != 0 ] || [ "$p" -gt 0 ] || f=1
  passed=$((passed + p)) failed=$((failed + f))
  echo "Node $version: $p passed, $f failed (exit $status)"
done
verdict
