#!/bin/bash
# Packs tnull as it is published, into FOLDER, and prints the tarball's path. npm packs package.json as it is in the
# checkout; here go what only the checkout needs: yarn 1 warns of workspaces in a package that is not private.
#
#   pack.sh FOLDER [FLAGS OF NPM PACK...]
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -ge 1 ] || die 'usage: pack.sh FOLDER [FLAGS OF NPM PACK...]'
out=$(cd "$1" && pwd -P)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$checkout"
npm pack --silent --pack-destination "$work" "$@" >/dev/null
tarball=$(cd "$work" && echo tnull-*.tgz)
tar -xzf "$work/$tarball" -C "$work"
node -e '
  const [, path] = process.argv;
  const { workspaces, devDependencies, overrides, ...manifest } = JSON.parse(fs.readFileSync(path, "utf8"));
  if (workspaces === undefined) throw new Error(`${path} has no workspaces: npm pack will do`);
  fs.writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);' "$work/package/package.json"
# As npm does it: files alone, of one time and one owner.
(cd "$work" && find package -type f | LC_ALL=C sort) |
  tar -czf "$out/$tarball" -C "$work" --no-recursion --mtime='1985-10-26 08:15Z' --owner=0 --group=0 --numeric-owner -T -
echo "$out/$tarball"
