#!/bin/bash
# Runs inside user-mode Linux: attach.sh with nbd-client and fio of the other Debian
# (scripts/debian-root.sh).
set -uo pipefail
PATH=${OTHER_DEBIAN:?test-kernel.sh says where its programs are}:$PATH
export PATH
exec bash "$(dirname "$0")/attach.sh"
