#!/bin/bash
# Runs inside user-mode Linux: which queue flags the kernel gives a device of each kind. A flag that
# is missing loses data on a power cut; one too many costs a flush for each commit.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

# blocks, write_cache, fua, discards ('-' none), rotational: the attributes. As null_blk's queue has them.
of_the_queue='
512  through 0 - 0 : size=64
512  through 0 - 0 : size=64 memory_backed=1
1024 through 0 - 0 : size=64 memory_backed=1
2048 through 0 - 0 : size=64 memory_backed=1
4096 through 0 - 0 : size=64 memory_backed=1
512  through 0 + 0 : size=64 memory_backed=1 discard=1
4096 through 0 + 0 : size=64 memory_backed=1 discard=1
512  through 0 - 0 : size=64 discard=1
512  through 0 - 1 : size=64 rotational=1
4096 through 0 + 1 : size=64 memory_backed=1 discard=1 rotational=1
512  back    1 - 0 : size=64 memory_backed=1 cache_size=4
512  back    0 - 0 : size=64 memory_backed=1 cache_size=4 fua=0
4096 back    1 + 0 : size=64 memory_backed=1 cache_size=4 discard=1
2048 back    0 + 1 : size=64 memory_backed=1 cache_size=4 fua=0 discard=1 rotational=1
512  through 0 - 0 : size=64 cache_size=4
512  through 0 - 0 : size=64 memory_backed=1 fua=1
512  through 0 + 0 : size=64 memory_backed=1 zoned=1 zone_size=16
4096 back    1 + 0 : size=64 memory_backed=1 zoned=1 zone_size=16 cache_size=4
512  through 0 - 0 : size=3 memory_backed=1
4096 through 0 - 0 : size=3000000
'

# The same where FLUSH and FUA are offered always, which is the default.
always='
512  back    1 - 0 : size=64
4096 back    1 + 0 : size=64 memory_backed=1 discard=1
512  back    1 - 0 : size=64 memory_backed=1 fua=0
512  back    1 - 0 : size=64 memory_backed=1 cache_size=4
512  back    0 - 0 : size=64 memory_backed=1 cache_size=4 fua=0
512  back    1 + 0 : size=64 memory_backed=1 zoned=1 zone_size=16
'

flags_are() {
  local bs=$1 cache=$2 fua=$3 discards=$4 rotational=$5 mib=$6 status=0
  is size $((mib * 2048)) || status=1
  is queue/logical_block_size "$bs" || status=1
  is queue/physical_block_size "$bs" || status=1
  is queue/write_cache "write $cache" || status=1
  is queue/fua "$fua" || status=1
  is queue/rotational "$rotational" || status=1
  above queue/write_zeroes_max_bytes 0 || status=1
  if [ "$discards" = + ]; then
    above queue/discard_max_bytes 0 || status=1
  else
    is queue/discard_max_bytes 0 || status=1
  fi
  return $status
}

one() {
  local bs=$1 attributes=$2 status=0
  shift 2
  # shellcheck disable=SC2086 # words
  tnull create d "blocksize=$bs" $attributes --power-on && attach d -b "$bs" || return 1
  local mib=${attributes#size=}
  flags_are "$bs" "$@" "${mib%% *}" || status=1
  # The kernel never takes `rotational` back from a device it gave it to: the next one is a fresh one.
  detach && tnull remove d && modprobe -r nbd && modprobe nbd nbds_max=2 && return $status
}

# all_of MATRIX FLAGS...: of a daemon with these flags.
all_of() {
  local matrix=$1 flags attributes bs cache fua discards rotational title
  shift
  serve nr_devices=0 "$@" || die 'tnull does not start'
  while IFS=: read -r flags attributes; do
    [ -n "$attributes" ] || continue
    read -r bs cache fua discards rotational <<<"$flags"
    title="blocks of $bs, ${attributes# }: write $cache, fua $fua, discards $discards, rotational $rotational"
    check "$title" one "$bs" "${attributes# }" "$cache" "$fua" "$discards" "$rotational"
  done <<<"$matrix"
  check 'tnull ends with status 0, and met no bug' stop
}

all_of "$of_the_queue" --offer-flush=cache
all_of "$always"
verdict
