#!/bin/bash
# Runs inside user-mode Linux: docs/wire-faults.md, what the kernel's nbd driver makes of connections that
# break, measured row by row: four dd are in flight, and the reply to one is struck.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

# rows HEADING COLUMN: the wire and what the column says, of each row of the table under the heading.
rows() {
  awk -F ' *[|] *' -v heading="## $1" -v column="$2" '
    /^## / { inside = $0 == heading; at = 0; next }
    !inside || !/^\|/ || /^\| *-/ { next }
    { gsub(/`/, "") }
    !at { for (at = NF; at > 0 && $at != column; at--); next }
    { print $2, $at }' docs/wire-faults.md
}

# one OPERATION N: 64 KiB past the page cache; a scheduler would make one request of neighbours.
one() {
  local at=$((2 * $2))
  if [ "$1" = write ]; then
    dd if="$folder/sevens" of=$device bs=64k seek=$at count=1 oflag=direct status=none
  else
    dd if=$device bs=64k skip=$at count=1 iflag=direct status=none >"$folder/read-$2" &&
      cmp "$folder/read-$2" "$folder/sevens"
  fi
}

all_ended() {
  local pid
  for pid in "${clients[@]}"; do ! kill -0 "$pid" 2>/dev/null || return 1; done
}
judged() {
  local pid outcome=good
  for pid in "${clients[@]}"; do wait "$pid" || outcome=error; done
  echo $outcome
}
struck() { call GET devices/d/faults | grep -q '"struck":"*1\b'; }
within() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}
unattached() { [ ! -e /sys/block/nbd0/pid ]; }

# outcome OPERATION WIRE CELL: as docs/wire-faults.md names it. One that hangs is looked at for two
# seconds: longer can only be more certain.
outcome() {
  local operation=$1 wire=$2 cell=$3 limit=60 n
  clients=()
  call PUT devices/d/faults -H 'content-type: application/json' \
    -d "{\"rules\":[{\"op\":\"$operation\",\"bytes\":65536,\"times\":1,\"wire\":\"$wire\"}]}" >/dev/null || return
  for n in 0 1 2 3; do
    one "$operation" "$n" >/dev/null 2>&1 & # no pipe of ours: it may hang
    clients+=($!)
  done
  within 30 struck || echo 'not struck,'
  case $cell in waits | *hangs*) limit=2 ;; esac
  if within $limit all_ended; then
    judged
  elif [[ $(tnull faults d release) != '0 '* ]]; then
    within 60 all_ended || echo 'hangs although released,'
    echo "waits, $(judged)"
  else
    echo hangs
  fi
}

# as_told OPERATION WIRE CELL FLAGS...: attached anew, as the connection may be gone after it.
as_told() {
  local operation=$1 wire=$2 cell=$3 said
  shift 3
  attach d -b 4096 "$@" >/dev/null 2>&1 || { echo 'not attached'; return 1; }
  said=$(outcome "$operation" "$wire" "$cell")
  detach
  within 30 unattached || { echo 'not detached'; return 1; }
  [[ " ${cell/waits/waits, good} " == *"$said"* ]] && [ -n "$said" ] || { echo "$said, not $cell"; return 1; }
}

serve nr_devices=0 || die 'tnull does not start'
head -c 65536 /dev/zero | tr '\0' '\7' >"$folder/sevens"
check 'a device is made' tnull create d size=4 memory_backed=1 cache_size=1 --power-on
check 'it is attached' attach d -b 4096
check 'it is filled' bash -c "for n in 0 1 2 3 4 5 6 7; do cat '$folder/sevens'; done | dd of=$device bs=64k iflag=fullblock oflag=direct"
check 'it is detached' detach
for operation in read write; do
  for column in kernel 'kernel, -timeout 1'; do
    flags=${column#kernel}
    flags=${flags#, }
    while read -r wire cell; do
      # shellcheck disable=SC2086 # words
      check "$operation, $column: $wire" as_told $operation "$wire" "$cell" $flags
    done < <(rows "A reply to a $operation" "$column")
  done
done
check 'with another connection, what the reset one had is sent again' \
  as_told write reset good -timeout 1 -C 2
check 'tnull ends with status 0, and met no bug' stop
verdict
