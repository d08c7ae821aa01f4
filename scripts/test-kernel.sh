#!/bin/bash
# The kernel run: a real Linux kernel (user-mode Linux) attaches /dev/nbd0 to tnull and uses it.
# The kernel is fetched once into .cache/uml, and booted once for all scripts of test/kernel.
#
#   test-kernel.sh [NAME...]     for example: test-kernel.sh power-cut
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout"
bash scripts/install-packages.sh kernel
npm run --silent build
bash scripts/uml-get.sh .cache/uml
# One of the two is this machine's own.
OTHER_DEBIAN=$(bash scripts/debian-root.sh "$(. /etc/os-release && [ "${VERSION_ID:-}" = 13 ] && echo 12 || echo 13)")
export OTHER_DEBIAN
export UML_TIMEOUT=${UML_TIMEOUT:-600}
exec bash scripts/uml-run.sh .cache/uml test/kernel/main.sh "$@"
