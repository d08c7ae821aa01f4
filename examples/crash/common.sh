# What the scripts with a kernel share. Sourced, never run.
# shellcheck shell=bash
checks=$(cd "$here/../checks" && pwd)
if [ -z "$TNULL" ]; then
  TNULL=tnull
  command -v tnull >/dev/null || TNULL="node $(cd "$here/../.." && pwd)/bin/tnull.js"
fi
export TNULL
if [ -z "$UML" ]; then
  place=$(mktemp -d)
  trap 'rm -rf "$place"' EXIT
fi

# in_uml ARGUMENT ...: this script again, in a kernel of its own.
in_uml() { "$here/in-uml.sh" "$0" "$@"; }

# The kernel writes what is dirty after 0.1 s, not 30: what nobody flushes is on its way to the disk, too.
write_back_soon() {
  echo 10 >/proc/sys/vm/dirty_writeback_centisecs
  echo 10 >/proc/sys/vm/dirty_expire_centisecs
  export PAUSE_MS=30
}

# record FILE.tj TYPE OPTIONS COMMAND
record() {
  local mib=8
  [ "$2" = ext4 ] || mib=320
  "$here/record-files.sh" "$1" "$2" $mib "$3" "$4"
}

# explore FILE.tj MARK CHECK [FLAG ...]: from the mark on.
explore() {
  $TNULL crash explore "$1" --from "$2" --check "$3" --limit "${LIMIT:-60}" --report "$place/report.json" "${@:4}"
}

first_failure() { node "$here/counts.js" "$place/report.json" first; }
