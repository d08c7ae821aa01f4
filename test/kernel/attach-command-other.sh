#!/bin/bash
# Runs inside user-mode Linux: what attach-command.sh asks of nbd-client, with that of the other Debian
# (scripts/debian-root.sh).
set -uo pipefail
PATH=${OTHER_DEBIAN:?test-kernel.sh says where its programs are}:$PATH
export PATH
exec bash "$(dirname "$0")/attach-command.sh" use death
