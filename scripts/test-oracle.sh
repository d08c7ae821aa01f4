#!/bin/bash
# The recordings of the real null_blk, replayed step by step on the built program.
#
#   test-oracle.sh [VITEST ARGUMENTS]     for example: test-oracle.sh -t random-1000
# TNULL_ORACLE=FOLDER replays the recordings of another folder instead of the copies that are here.
set -euo pipefail
if [ -n "${TNULL_ORACLE:-}" ]; then
  TNULL_ORACLE=$(realpath -m "$TNULL_ORACLE")
  export TNULL_ORACLE
fi
. "$(dirname "$0")/common.sh"
cd "$checkout"
[ -d "${TNULL_ORACLE:-.}" ] || die "TNULL_ORACLE: there is no folder $TNULL_ORACLE"
[ -d test/oracle/recordings ] || die "the recordings are missing: test/oracle/recordings"
npm run --silent build
exec vitest run --config vitest.oracle.config.ts "$@"
