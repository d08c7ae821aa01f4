#!/bin/bash
# Fetches a user-mode Linux kernel into DIR: DIR/linux runs, DIR/lib/modules holds nbd.ko and others.
#
#   uml-get.sh DIR     a second run on a good DIR returns at once
#
# Both packages (the kernel and the libc it was built for) come from Debian's suite sid, through the
# archive that this machine's apt already uses, with the signature checked; the machine's own package
# lists stay as they are. Debian 12's own user-mode-linux panics on CPUs with large vector state.
#
# Environment: UML_SUITE    another suite (sid)
#              UML_MIRROR   URI of a Debian archive, where apt's own will not do
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/debian-archive.sh"

[ $# = 1 ] || die "usage: uml-get.sh DIR"
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "needs Debian on amd64"
mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
suite=${UML_SUITE:-sid}

good() {
  grep -qsx "suite $suite" "$dir/versions" && compgen -G "$dir/lib/modules/*/modules.dep" >/dev/null &&
    "$dir/linux" --version >/dev/null 2>&1
}
if good; then exit 0; fi

work=$(mktemp -d "$dir/.get.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{debs,tree}

download() {
  private_lists "$work" "$suite" "${UML_MIRROR:-}"
  (cd "$work/debs" && private_apt "$work" apt-get -qq download user-mode-linux libc6 >"$work/log" 2>&1) || {
    cat "$work/log" >&2
    die "user-mode-linux and libc6 could not be downloaded (see above)"
  }
}

# Points the kernel's binary at the libc that it was built for.
unpack() {
  local deb loader modules tree=$work/tree
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$tree"; done
  loader=$(find "$tree" -name ld-linux-x86-64.so.2 -path '*x86_64-linux-gnu*' | head -n 1)
  modules=$(find "$tree" -path '*uml/modules/*' -name modules.dep -printf '%h\n' | head -n 1)
  [ -x "$tree/usr/bin/linux.uml" ] && [ -n "$loader" ] && [ -n "$modules" ] ||
    die "the packages of $suite are not laid out as expected"
  rm -rf "$dir/libc" "$dir/lib" "$dir/linux" "$dir/versions"
  mkdir -p "$dir/lib/modules"
  cp -a "$(dirname "$loader")" "$dir/libc"
  cp -a "$modules" "$dir/lib/modules/"
  cp "$tree/usr/bin/linux.uml" "$dir/linux"
  patchelf --set-interpreter "$dir/libc/ld-linux-x86-64.so.2" --set-rpath "$dir/libc" "$dir/linux"
}

download
unpack
{
  echo "suite $suite"
  echo "kernel $("$dir/linux" --version)"
  for deb in "$work"/debs/*.deb; do dpkg-deb -W "$deb"; done
} >"$dir/versions"
good || die "unpacked, but it does not run: $("$dir/linux" --version 2>&1 | head -n 3)"
say "ready: $(tr '\n\t' '  ' <"$dir/versions")"
