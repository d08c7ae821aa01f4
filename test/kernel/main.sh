#!/bin/bash
# Runs inside user-mode Linux: the scripts of this folder, each by itself, and what they count in all.
#
#   main.sh [NAME...]     default: all
set -uo pipefail
. "$(dirname "$0")/../../scripts/common.sh"
cd "$checkout" || exit 1
if [ $# = 0 ]; then
  for file in test/kernel/*.sh; do
    case $file in */guest.sh | */main.sh) ;; *) set -- "$@" "$(basename "$file" .sh)" ;; esac
  done
fi

for name; do
  begin=$SECONDS
  echo "-- $name"
  bash "test/kernel/$name.sh" | tee /run/said
  read -r p _ f _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed$' /run/said | tail -n 1)
  # A script that does not come to its last line has failed.
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1}))
  unset p f
  echo "-- $name took $((SECONDS - begin)) s"
done
verdict
