#!/bin/bash
# System tests: the built program against programs that none of us wrote.
#
#   test-system.sh [VITEST ARGUMENTS]     for example: test-system.sh fio
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout"
bash scripts/install-packages.sh system
npm run --silent build
# For the examples of docs/crash.md, which run in it without root.
[ "$(uname -m)" != x86_64 ] || bash scripts/uml-get.sh .cache/uml
exec vitest run --config vitest.system.config.ts "$@"
