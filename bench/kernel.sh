#!/bin/bash
# Runs inside user-mode Linux (scripts/uml-run.sh): fio on /dev/nbd0 and its like, one device for each
# server, in turns. Says a line `result CASE|SERVER|KIB PER SECOND` for each measurement.
#
#   kernel.sh LIMIT_PROGRAM ROUNDS MILLISECONDS
set -euo pipefail
. "$(dirname "$0")/../scripts/common.sh"
cd "$checkout"
limit=$1 rounds=$2 ms=$3
folder=/run/bench
mib=96
servers=(tnull nbdkit limit qemu-nbd)
mkdir -p $folder

start() {
  local socket=$folder/$1.sock
  case $1 in
    tnull) node bin/tnull.js --log-level error --no-control -U "$socket" size=$mib --memory-backed ;;
    nbdkit) nbdkit -f -U "$socket" memory ${mib}M ;;
    limit) "$limit" "$socket" $((mib << 20)) ;;
    qemu-nbd)
      truncate -s ${mib}M $folder/file
      qemu-nbd --persistent --shared=0 -k "$socket" -f raw --discard=unmap $folder/file
      ;;
  esac >/dev/null
}

# measure NAME FIO_FLAGS...
measure() {
  local name=$1 turn at kib
  shift
  for ((turn = 0; turn < rounds * ${#servers[@]}; turn++)); do
    # Nobody is always the first.
    at=$(((turn + turn / ${#servers[@]}) % ${#servers[@]}))
    kib=$(fio --name=b --filename=/dev/nbd$at --direct=1 --ioengine=libaio --size=${mib}M --randrepeat=0 \
      --norandommap --time_based --runtime="${ms}ms" --minimal "$@" | awk -F';' '{ print $7 + $48 }')
    echo "result $name|${servers[at]}|$kib"
  done
}

modprobe nbd nbds_max=${#servers[@]}
for i in "${!servers[@]}"; do
  socket=$folder/${servers[i]}.sock
  start "${servers[i]}" &
  for _ in $(seq 300); do
    [ -S "$socket" ] && break
    sleep 0.1
  done
  nbd-client -unix "$socket" /dev/nbd$i -b 4096 >/dev/null 2>&1
  echo none >/sys/block/nbd$i/queue/scheduler
  dd if=/dev/urandom of=/dev/nbd$i bs=1M count=$mib oflag=direct status=none
done

measure 'randread 4k depth 1' --rw=randread --bs=4k --iodepth=1
measure 'randread 4k depth 32' --rw=randread --bs=4k --iodepth=32
measure 'randwrite 4k depth 32' --rw=randwrite --bs=4k --iodepth=32
measure 'read 128k depth 16' --rw=read --bs=128k --iodepth=16
measure 'write 128k depth 16' --rw=write --bs=128k --iodepth=16

for i in "${!servers[@]}"; do nbd-client -d /dev/nbd$i >/dev/null; done
echo finished
