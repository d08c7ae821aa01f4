#!/bin/bash
# Compiles a tool of test/ (fuzz, soak) and runs it against the built program.
#
#   run-tool.sh fuzz|soak [ARGUMENTS]
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout"
tool=$1
shift
tsc -b
tsc -p test/fuzz
exec node ".cache/test/$tool/main.js" "$@"
