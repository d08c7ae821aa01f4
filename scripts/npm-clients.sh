#!/bin/bash
# Installs the NBD clients from npm that the system tests call, once, and prints the folder they are
# in. Their trees are too large to be development dependencies of everyone: they go to the user's
# cache, in the versions of test/system/npm/package-lock.json.
#
#   npm-clients.sh [FOLDER]     FOLDER: ${XDG_CACHE_HOME:-~/.cache}/tnull
set -euo pipefail
. "$(dirname "$0")/common.sh"

cache=${1:-${XDG_CACHE_HOME:-${HOME:?no home folder for the cache: name one}/.cache}/tnull}
mkdir -p "$cache" || die "cannot keep clients from npm in $cache: give another folder"
cache=$(cd "$cache" && pwd -P)
checksum=$(cat "$checkout"/test/system/npm/package*.json | sha256sum)
root=$cache/npm-${checksum:0:12}

# Complete or absent: the folder gets its name when everything is in it.
exec 9>"$cache/npm.lock"
flock 9
if [ ! -d "$root" ]; then
  say "making $root"
  rm -rf "$cache"/.npm.*
  work=$(mktemp -d "$cache/.npm.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp "$checkout"/test/system/npm/package*.json "$work"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >"$work/log" 2>&1) || {
    tail -n 20 "$work/log" >&2
    die "npm could not install them (see above)"
  }
  chmod 755 "$work"
  mv -T "$work" "$root"
  find "$cache" -maxdepth 1 -type d -name 'npm-*' -mtime +30 -exec rm -rf {} +
fi
touch "$root" 2>/dev/null || true
echo "$root"
