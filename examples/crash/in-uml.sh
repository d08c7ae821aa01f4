#!/bin/bash
# Runs a script as root in a kernel of its own (user-mode Linux), for a user without root on Debian or Ubuntu, amd64.
# The kernel is fetched once, into .cache/uml.
#
#   in-uml.sh SCRIPT [ARGUMENT ...]
set -e
scripts=$(cd "$(dirname "$0")/../../scripts" && pwd)
kernel=${UML:-$scripts/../.cache/uml}
bash "$scripts/uml-get.sh" "$kernel"
exec bash "$scripts/uml-run.sh" "$kernel" "$@"
