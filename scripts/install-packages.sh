#!/bin/bash
# Installs, by name, the Debian packages whose programs the tests call and that are missing.
#
#   install-packages.sh [system] [kernel] [bench] [gate]     default: system and kernel
#
# With nothing missing it takes no time and needs no root.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || set -- system kernel
groups=" $* "

# group, package, what shows that it is there: a command, a module of Debian's python3,
# a C header, or a file
table='
system nbd-client     nbd-client
system libnbd-bin     nbdinfo
system libnbd-bin     nbdcopy
system libnbd-bin     nbdfuse
system fuse3          fusermount3
system python3-libnbd module:nbd
system qemu-utils     qemu-img
system qemu-utils     qemu-io
system qemu-system-common qemu-storage-daemon
system fio            fio
system nbdkit         nbdkit
system sqlite3        sqlite3
system e2fsprogs      debugfs
system lmdb-utils     mdb_load
system patchelf       patchelf
system kmod           modprobe
system iproute2       ip
system mount          mount
system prometheus     promtool
system curl           curl
system systemd        systemd-socket-activate
system systemd        systemd-analyze
system systemd        systemd-notify
system man-db         man
system groff          groff
system bash           bash
system zsh            zsh
system fish           fish
system perl-base      perl
system chromium       chromium
system curl           curl
system python3-pytest module:pytest
system golang-go      go
system rustc          rustc
system gcc            cc
system libnbd-dev     header:libnbd.h
kernel nbd-client     nbd-client
kernel curl           curl
kernel fio            fio
kernel e2fsprogs      mkfs.ext4
kernel xfsprogs       mkfs.xfs
kernel btrfs-progs    mkfs.btrfs
kernel f2fs-tools     mkfs.f2fs
kernel postgresql     file:/usr/lib/postgresql/*/bin/initdb
kernel patchelf       patchelf
kernel libnbd-bin     nbdcopy
kernel kmod           modprobe
kernel iproute2       ip
kernel mount          mount
kernel util-linux     blkdiscard
kernel fdisk          sfdisk
bench  fio            fio
bench  gcc            cc
bench  libc6-dev      header:stdlib.h
bench  nbdkit         nbdkit
bench  qemu-utils     qemu-nbd
bench  nbd-server     nbd-server
bench  libnbd-bin     nbdcopy
bench  linux-perf     perf
gate   fio            fio
gate   gcc            cc
gate   libc6-dev      header:stdlib.h
'

present() {
  case $1 in
    module:*) [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import ${1#module:}" 2>/dev/null ;;
    file:*) compgen -G "${1#file:}" >/dev/null ;;
    header:*) [ -e "/usr/include/${1#header:}" ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  local group package probe
  while read -r group package probe; do
    [[ -n $group && $groups == *" $group "* ]] || continue
    present "$probe" || echo "$package"
  done <<<"$table" | sort -u
}

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null ||
  die "missing: ${missing[*]}; this is not Debian, so install what your system calls them"
[ "$(id -u)" = 0 ] || die "missing: ${missing[*]}; run: sudo apt-get install ${missing[*]}"

say "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" \
    </dev/null >>"$log" 2>&1
}
if ! install; then
  say "the package lists may be old or absent: updating them"
  apt-get -qq update >>"$log" 2>&1 || true
  install || {
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]} (see above)"
  }
fi
mapfile -t missing < <(missing_packages)
[ ${#missing[@]} = 0 ] || die "installed, but still missing: ${missing[*]}"
