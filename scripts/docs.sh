#!/bin/bash
# Writes what is made from tables; with --check it only says what is stale.
set -euo pipefail
cd "$(dirname "$0")/.."
node_modules/.bin/rolldown -c scripts/docs/rolldown.config.js >/dev/null
node .cache/docs/main.js "$@"
