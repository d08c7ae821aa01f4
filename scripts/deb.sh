#!/bin/bash
# Makes the Debian package tnull_VERSION_all.deb in a folder, from what pack.sh packs.
#
#   deb.sh [FOLDER]     default: the current folder
set -euo pipefail
. "$(dirname "$0")/common.sh"

out=$(cd "${1:-.}" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$checkout"
version=$(node -p "require('./package.json').version")

mkdir -p "$work"/root/{DEBIAN,usr/{bin,lib/tnull,share/doc/tnull,share/man/man1,lib/systemd/system}} \
  "$work"/root/usr/share/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
bash scripts/pack.sh "$work" >/dev/null
tar -xzf "$work/tnull-$version.tgz" -C "$work/root/usr/lib/tnull" --strip-components=1
cd "$work/root"
mv usr/lib/tnull/{docs,examples} usr/share/doc/tnull/
mv usr/lib/tnull/CHANGELOG.md usr/share/doc/tnull/changelog.md
{ cat usr/lib/tnull/LICENSE && cat usr/lib/tnull/dist/vendor/LICENSES.txt; } >usr/share/doc/tnull/copyright
gzip -9n <usr/lib/tnull/packaging/man/tnull.1 >usr/share/man/man1/tnull.1.gz
mv usr/lib/tnull/packaging/systemd/tnull.* usr/lib/systemd/system/
mv usr/lib/tnull/packaging/completions/tnull.bash usr/share/bash-completion/completions/tnull
mv usr/lib/tnull/packaging/completions/_tnull usr/share/zsh/vendor-completions/
mv usr/lib/tnull/packaging/completions/tnull.fish usr/share/fish/vendor_completions.d/
mv usr/lib/tnull/packaging/{grafana,prometheus} usr/share/doc/tnull/
rm -r usr/lib/tnull/packaging
ln -s ../lib/tnull/bin/tnull.js usr/bin/tnull
find . -type d -exec chmod 755 {} + && find . -type f -exec chmod 644 {} + && chmod 755 usr/lib/tnull/bin/tnull.js

cat >DEBIAN/control <<CONTROL
Package: tnull
Version: $version
Architecture: all
Section: utils
Priority: optional
Maintainer: tnull maintainers <maintainers@tnull.invalid>
Recommends: nodejs (>= 20.19)
Suggests: libnbd-bin, qemu-utils, nbd-client
Installed-Size: $(du -sk usr | cut -f 1)
Description: null block device in userspace, served over NBD
 tnull takes the parameters of Linux's null_blk under their own names and
 serves the device over NBD, without root and without a kernel module. Its
 disks are fast, or exactly as slow, broken, full, zoned or forgetful as a
 test needs. It needs Node 20.19 or newer on the PATH.
CONTROL
dpkg-deb --root-owner-group --build . "$out/tnull_${version}_all.deb" >/dev/null
echo "$out/tnull_${version}_all.deb"
