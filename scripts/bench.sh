#!/bin/bash
# Builds tnull and its benchmark, and runs it. Programs that are missing are installed by name.
#
#   bench.sh [ARGUMENTS]     see bench/README.md, or: bench.sh --help
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout"
case " $* " in
  *' --gate '*) bash scripts/install-packages.sh gate ;;
  *' --help '*) ;;
  *) bash scripts/install-packages.sh bench ;;
esac
npm run --silent build
exec node bench/dist/main.js "$@"
