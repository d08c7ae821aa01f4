#!/bin/bash
# Compiles a tool of test/ (fuzz, soak) and runs it against the built program.
#
#   run-tool.sh fuzz|soak [ARGUMENTS]
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout"
tool=$1
shift
npm run --silent build
tsc -p test/fuzz
exec node ".cache/test/$tool/main.js" "$@"
