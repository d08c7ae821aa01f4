#!/bin/bash
# Runs a script as root in a kernel of its own (user-mode Linux), for a user without root on Debian or Ubuntu, amd64.
# The kernel is fetched once, into .cache/uml.
#
#   in-uml.sh SCRIPT [ARGUMENT ...]
set -e
scripts=$(cd "$(dirname "$0")/../.." && pwd)/scripts
[ -e "$scripts/uml-get.sh" ] || { echo "$0: only a checkout of tnull has $scripts, which fetches the kernel" >&2; exit 1; }
kernel=${UML:-$scripts/../.cache/uml}
bash "$scripts/uml-get.sh" "$kernel"
exec bash "$scripts/uml-run.sh" "$kernel" "$@"
