#!/bin/bash
# Puts the NBD clients of a Debian release that is not this machine's own into a folder, once, and
# prints the folder whose programs run them: a test that begins PATH with it uses that release.
#
#   debian-root.sh RELEASE [FOLDER]     12 or 13; FOLDER: ${XDG_CACHE_HOME:-~/.cache}/tnull
#
# It needs neither root nor mounts. The packages and all that they depend on are unpacked, without
# being configured; each program is started through the loader and with the libraries beside it.
# The name of what is kept holds a checksum of this file: a change of the list below makes it anew.
# What nobody asked for in 30 days is removed. To remove all: rm -r ~/.cache/tnull
#
# Environment: TNULL_DEBIAN_MIRROR   URI of a Debian archive, where apt's own will not do
set -euo pipefail
trap 'echo "debian-root: line $LINENO: failed" >&2' ERR
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/debian-archive.sh"

packages=(qemu-utils qemu-system-common libnbd-bin python3-libnbd fio nbd-client nbdkit)
programs=(qemu-img qemu-io qemu-nbd qemu-storage-daemon nbdinfo nbdcopy nbdfuse nbd-client fio nbdkit
  python3)

release=${1:-}
case $release in
  12) suite=bookworm ;;
  13) suite=trixie ;;
  *) die "usage: debian-root.sh 12|13 [FOLDER]" ;;
esac
cache=${2:-${XDG_CACHE_HOME:-${HOME:?no home folder for the cache: name one}/.cache}/tnull}
mkdir -p "$cache" || die "cannot keep Debian $release in $cache: give another folder"
cache=$(cd "$cache" && pwd -P)
checksum=$(sha256sum "$0") && checksum=${checksum:0:12}
root=$cache/debian-$release-$checksum

# Complete or absent: the folder gets its name when everything is in it.
if [ -d "$root" ]; then
  touch "$root" 2>/dev/null || true
  echo "$root/programs"
  exit 0
fi

exec 9>"$cache/debian-$release.lock"
flock -n 9 || {
  say "waiting for another that makes $root"
  flock 9
}
[ ! -d "$root" ] || { echo "$root/programs"; exit 0; }

say "making $root (some 60 MB are fetched)"
for tool in apt-get dpkg-deb xargs; do command -v "$tool" >/dev/null || die "needs $tool, as Debian has it"; done
rm -rf "$cache/.debian-$release".* # of one that was killed: the lock is ours
work=$(mktemp -d "$cache/.debian-$release.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree/programs" "$work/apt"

private_lists "$work/apt" "$suite" "${TNULL_DEBIAN_MIRROR:-}"
private_apt "$work/apt" apt-get -qq -y --no-install-recommends --download-only \
  install "${packages[@]}" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  die "the packages of Debian $release could not be fetched (see above)"
}
# shellcheck disable=SC2016 # the inner shell's own words
find "$work/apt/cache/archives" -maxdepth 1 -name '*.deb' -print0 |
  xargs -0 -n 8 -P 2 sh -c 'for deb; do dpkg-deb -x "$deb" "$0" || exit 255; done' "$tree"
rm -rf "${tree:?}"/usr/share/{doc,man,locale,info,lintian}

# Some libraries lie in folders that only the library which needs them knows, by its absolute path.
mapfile -t folders < <(cd "$tree" && find . -name 'lib*.so*' -printf '%P\n' | xargs -n1 dirname | sort -u)
loader=$(cd "$tree" && find . -name 'ld-linux*.so.*' -path '*-linux-gnu*' -printf '%P\n' | head -n 1)
plugins=$(cd "$tree" && find . -type d -path '*/nbdkit/plugins' -printf '%P\n')
[ -n "$loader" ] && [ -n "$plugins" ] || die "the packages of $suite are not laid out as expected"

# A program gets its path as its name: Python finds its modules by it. nbdkit gets plugins by path.
wrapper() {
  local program=$1
  printf '#!/bin/bash\nbase=${0%%/programs/*}\n'
  [ "${program##*/}" != nbdkit ] || printf '%s\n' 'words=()' 'for word; do' \
    "  plugin=\$base/$plugins/nbdkit-\$word-plugin.so" \
    '  [ ! -e "$plugin" ] || word=$plugin' '  words+=("$word")' 'done' 'set -- "${words[@]}"'
  printf 'exec "$base/%s" --inhibit-cache --argv0 "$base/%s" --library-path "%s" "$base/%s" "$@"\n' \
    "$loader" "$program" "$(printf '$base/%s:' "${folders[@]}")" "$program"
}

for name in "${programs[@]}"; do
  program=$(cd "$tree" && find . -path "*bin/$name" -printf '%P\n' | head -n 1)
  [ -n "$program" ] || die "the packages of $suite have no $name"
  wrapper "$program" >"$tree/programs/$name"
  chmod 755 "$tree/programs/$name"
done
printf '#!/bin/sh\nexec "${0%%/*}/python3" -m nbd "$@"\n' >"$tree/programs/nbdsh"
chmod 755 "$tree/programs/nbdsh"

# Each must start, with no library of this machine.
foreign() {
  "$tree/$loader" --inhibit-cache --library-path "$(printf "$tree/%s:" "${folders[@]}")" --list "$1" |
    grep -vF -e "$tree/" -e linux-vdso
}
for name in "${programs[@]}"; do
  program=$(find "$tree" -path "*bin/$name" | head -n 1)
  [ "$name" != python3 ] || program=$(realpath "$program")
  ! foreign "$program" || die "$name of Debian $release needs libraries of this machine (see above)"
done
"$tree/programs/qemu-img" --version >/dev/null || die "qemu-img of Debian $release does not start"

touch "$tree" # unpacking gave it the age of the packages
mv -T "$tree" "$root"
find "$cache" -maxdepth 1 -type d -name "debian-$release-*" -mtime +30 -exec rm -rf {} +
say "ready: $("$root/programs/qemu-img" --version | head -n 1), $("$root/programs/nbdinfo" --version | head -n 1)"
echo "$root/programs"
