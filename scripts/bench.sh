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
case " $* " in
  *' --gate '* | *' --help '*) ;;
  *' --record '*)
    status=0
    node bench/dist/main.js "$@" || status=$?
    # 1: a target was missed. The figures count all the same.
    [ "$status" -gt 1 ] || bash scripts/docs.sh
    exit "$status"
    ;;
esac
exec node bench/dist/main.js "$@"
