#!/bin/bash
# Fetches the public test programs and the servers to compare with, and builds what comes as source,
# all under .cache/conformance: nothing is installed, and the machine's own package lists stay.
#
#   conformance/get.sh     a second run returns at once
#
# Sources: libnbd and nbd of Debian 12 and 13 (oldest and newest), built with this machine's compiler.
# Binaries: qemu-nbd, nbdkit, nbd-server and their libraries of Debian 13, run by their own loader.
#
# Environment: CONFORMANCE_CACHE    another folder than .cache/conformance
#              CONFORMANCE_MIRROR   URI of a Debian archive, where apt's own will not do
set -euo pipefail
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/../debian-archive.sh"

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "needs Debian on amd64"
dir=${CONFORMANCE_CACHE:-$checkout/.cache/conformance}
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9

need=()
for package in gcc make pkg-config:pkg-config libgnutls28-dev:gnutls.pc libxml2-dev:libxml-2.0.pc \
  libglib2.0-dev:glib-2.0.pc gnutls-bin:certtool python3-dev:python3.pc bison:bison flex:flex dpkg-dev:dpkg-source; do
  probe=${package#*:}
  if [[ $probe == *.pc ]]; then
    compgen -G "/usr/lib/*/pkgconfig/$probe" >/dev/null || need+=("${package%%:*}")
  else
    command -v "$probe" >/dev/null || need+=("${package%%:*}")
  fi
done
if [ ${#need[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || die "missing: ${need[*]}"
  say "installing ${need[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${need[@]}" \
    </dev/null >"$dir/install.log" 2>&1 || {
    tail -n 20 "$dir/install.log" >&2
    die "apt-get could not install ${need[*]} (see above; apt-get update first?)"
  }
fi

# lists SUITE: once.
lists() {
  local state=$dir/apt/$1
  [ ! -e "$state/updated" ] || return 0
  say "package lists of $1"
  private_lists "$state" "$1" "${CONFORMANCE_MIRROR:-}" 'deb deb-src'
  touch "$state/updated"
}

# source_of SUITE PACKAGE: unpacked at $dir/PACKAGE-SUITE.
source_of() {
  local suite=$1 package=$2 tree=$dir/$2-$1
  [ ! -e "$tree" ] || return 0
  lists "$suite"
  say "source of $package of $suite"
  mkdir -p "$dir/src/$suite"
  (cd "$dir/src/$suite" && private_apt "$dir/apt/$suite" apt-get -qq source "$package" >"$dir/source.log" 2>&1) || {
    tail "$dir/source.log" >&2
    die "no source of $package"
  }
  mv "$(find "$dir/src/$suite" -mindepth 1 -maxdepth 1 -type d -name "$package-*")" "$tree"
}

# binaries SUITE PACKAGE...: the packages with all that they depend on, unpacked at $dir/SUITE.
binaries() {
  local suite=$1 tree=$dir/$1 deb
  shift
  [ ! -e "$tree/.whole" ] || return 0
  lists "$suite"
  say "$* of $suite, with their libraries"
  private_apt "$dir/apt/$suite" apt-get -qq -y --no-install-recommends --download-only install "$@" \
    >"$dir/binaries.log" 2>&1 || {
    tail "$dir/binaries.log" >&2
    die "could not download $*"
  }
  rm -rf "$tree"
  mkdir -p "$tree"
  for deb in "$dir/apt/$suite"/cache/archives/*.deb; do dpkg -x "$deb" "$tree"; done
  rm -f "$dir/apt/$suite"/cache/archives/*.deb
  touch "$tree/.whole"
}

# built TREE MARK COMMAND...: run once in TREE.
built() {
  local tree=$1 mark=$1/.built-$2
  shift 2
  [ ! -e "$mark" ] || return 0
  say "building $(basename "$tree"): $1"
  (cd "$tree" && "$@") >"$tree/.log" 2>&1 9>&- || {
    tail -n 30 "$tree/.log" >&2
    die "$(basename "$tree") could not be built: see $tree/.log"
  }
  touch "$mark"
}

# A cache of another recipe is made anew.
recipe=2
if [ "$(cat "$dir/recipe" 2>/dev/null)" != $recipe ]; then
  rm -rf "$dir"/libnbd-*
  echo $recipe >"$dir/recipe"
fi

source_of bookworm libnbd
source_of trixie libnbd
source_of trixie nbd
binaries bookworm nbdkit qemu-utils nbd-server nbd-client libc6
binaries trixie nbdkit qemu-utils nbd-server nbd-client libc6

# What libnbd's tests call in place of these.
mkdir -p "$dir/bin"
for name in nbdkit qemu-nbd nbd-server; do
  # Checkouts may share one cache, so the one that runs says where its stand-in is.
  printf '#!/bin/bash\nexport CONFORMANCE_HOME=${CONFORMANCE_HOME:-%q}\nCONFORMANCE_ROLE=%s exec bash "$CONFORMANCE_HOME/stand-in.sh" "$@"\n' \
    "$checkout/scripts/conformance" "$name" >"$dir/bin/$name.new"
  chmod 755 "$dir/bin/$name.new"
  mv "$dir/bin/$name.new" "$dir/bin/$name"
done
[ "$dir/bin/bridge" -nt "$checkout/scripts/conformance/bridge.c" ] ||
  gcc -O2 -Wall -o "$dir/bin/bridge" "$checkout/scripts/conformance/bridge.c"

# shellcheck disable=SC2016 # make's own variables
echo 'programs: $(check_LTLIBRARIES) $(check_PROGRAMS) $(check_SCRIPTS) $(check_DATA)' >"$dir/bin/programs.mk"

for suite in bookworm trixie; do
  tree=$dir/libnbd-$suite
  built "$tree" configured ./configure --disable-ocaml --disable-golang --disable-rust --disable-fuse \
    --disable-ublk --without-bash-completions PYTHON=/usr/bin/python3 \
    NBDKIT="$dir/bin/nbdkit" QEMU_NBD="$dir/bin/qemu-nbd" NBD_SERVER="$dir/bin/nbd-server"
  built "$tree" made make -j"$(nproc)"
  for folder in tests interop copy info dump sh; do
    built "$tree" "tests-$folder" make -k -C "$folder" -j"$(nproc)" -f Makefile -f "$dir/bin/programs.mk" programs
  done
done
tree=$dir/nbd-trixie
built "$tree" configured ./configure
built "$tree" tester make -C tests/run nbd-tester-client ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=:
