#!/bin/bash
# Runs inside user-mode Linux: xfs and btrfs through some of the power cuts of a recorded run, by the example of
# docs/crash.md, which records and explores within one kernel.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

export TNULL="node $PWD/bin/tnull.js" LIMIT=8
for type in xfs btrfs; do
  check "$type keeps what was synced, and is whole" examples/crash/xfs-btrfs.sh inside $type
done
verdict
