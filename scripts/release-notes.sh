#!/bin/bash
# Prints the section of CHANGELOG.md of a version. Fails where it is not there or still unreleased, and
# where a package has another version.
#
#   release-notes.sh X.Y.Z
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?the version is missing}

for file in package.json packages/nbd-server-protocol-ts/package.json; do
  has=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).version' "$file")
  [ "$has" = "$version" ] || {
    echo "release-notes: $file has version $has, not $version" >&2
    exit 1
  }
done
notes=$(awk -v version="$version" '
  /^## / { on = $2 == version && $3 ~ /^\([0-9]{4}-[0-9]{2}-[0-9]{2}\)$/; next }
  on' CHANGELOG.md)
[ -n "$notes" ] || {
  echo "release-notes: CHANGELOG.md has no '## $version (YYYY-MM-DD)'" >&2
  exit 1
}
printf '%s\n' "$notes"
