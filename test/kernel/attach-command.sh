#!/bin/bash
# Runs inside user-mode Linux: tnull attach, tnull detach and tnull attach --run, with this machine's nbd-client.
#
#   attach-command.sh [PART...]     default: all; attach-command-other.sh runs some with another nbd-client
set -uo pipefail
. "$(dirname "$0")/guest.sh"

# gives TEXT COMMAND...: it succeeds, and says exactly this.
gives() {
  local text=$1 said
  shift
  said=$("$@") || return 1
  [ "$said" = "$text" ] || { echo "it said: $said"; return 1; }
}

# ends STATUS COMMAND...
ends() {
  local wanted=$1 status
  shift
  "$@"
  status=$?
  [ "$status" = "$wanted" ] || { echo "status $status"; return 1; }
}

# within SECONDS COMMAND...
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}

free() { [ ! -e "/sys/block/$1/pid" ] && [ "$(cat "/sys/block/$1/size")" = 0 ]; }
all_free() { free nbd0 && free nbd1; }
made() { tnull create "$1" size=64 memory_backed=1 "${@:2}" --power-on >/dev/null; }
clients() { tnull ls | awk -v n="$1" -v c="$2" '$1 == n { exit $(NF - 2) != c }'; }
begin() {
  rm -f "$control"
  serve nr_devices=0 && made a && made b bs=4096 || die 'tnull does not start'
}

part_use() {
  check 'attach prints the first node' gives /dev/nbd0 tnull attach a
  check 'in blocks of the device' is queue/logical_block_size 512
  check 'mkfs.ext4 makes a file system' mkfs.ext4 -q /dev/nbd0
  check 'it is mounted' mount /dev/nbd0 "$m"
  check 'files are copied' cp -r src/cli "$m/"
  check 'a mounted device is not detached' fails_with "is mounted at $m" tnull detach a
  check 'it serves on' diff -r src/cli "$m/cli"
  check 'another gets the next node' gives /dev/nbd1 tnull attach b
  check 'in its own blocks' grep -qx 4096 /sys/block/nbd1/queue/logical_block_size
  check 'detach by node' tnull detach /dev/nbd1
  check 'that is free' free nbd1
  umount "$m"
  check 'detach by name' tnull detach a
  check 'detach is done when the device is free' all_free
  check 'the node that is named' gives /dev/nbd1 tnull attach a --device /dev/nbd1
  check 'the file system is clean' fsck.ext4 -fn /dev/nbd1
  check 'detach says what in JSON' gives '{"device":"/dev/nbd1"}' tnull detach a --json
  check 'two at once get two nodes' at_once
  check 'both are detached' eval 'tnull detach a && tnull detach b && all_free'
}

at_once() {
  local one two
  tnull attach a >"$folder/one" &
  one=$!
  tnull attach b >"$folder/two" &
  two=$!
  wait $one && wait $two && [ "$(sort "$folder/one" "$folder/two" | xargs)" = '/dev/nbd0 /dev/nbd1' ] ||
    { cat "$folder/one" "$folder/two"; return 1; }
}

part_partitions() {
  check 'two connections' gives /dev/nbd0 tnull attach a -C 2
  check 'the daemon has two clients' clients a 2
  # Partitions 1 and 2 were made on a device that has had none.
  check 'sfdisk makes partitions' eval "printf 'label: dos\n,16M\n,\n' | sfdisk -q /dev/nbd0"
  check 'detach' tnull detach a
  check 'their nodes are gone' not test -e /dev/nbd0p1
  check 'attach shows partitions' gives '{"device":"/dev/nbd0","partitions":["/dev/nbd0p1","/dev/nbd0p2"]}' \
    tnull attach a --json
  check 'they are there when it returns' test -b /dev/nbd0p2
  mkfs.ext4 -q /dev/nbd0p2
  mount /dev/nbd0p2 "$m"
  check 'nor is one with a mounted partition detached' fails_with "is mounted at $m" tnull detach a
  check 'with --force it is' fails_with "is disconnected, but not free yet: it is mounted at $m" tnull detach a --force
  check 'who holds it keeps others away' fails_with "/dev/nbd0 is not free: it is mounted at $m" \
    tnull attach b --device /dev/nbd0
  umount "$m"
  check 'until it is unmounted' within 30 all_free
}

part_run() {
  # shellcheck disable=SC2016 # $device is the command's
  check '--run has the status of its command' ends 7 tnull attach a --device /dev/nbd1 \
    --run '[ "$device $TNULL_DEVICE" = "/dev/nbd1 /dev/nbd1" ] && node bin/tnull.js ls >/dev/null && exit 7'
  check 'and detaches' all_free
  check '--run detaches what its command left mounted' \
    fails_with "/dev/nbd0 is mounted at $m, and is detached all the same" \
    not tnull attach b --run "mkfs.ext4 -q \$device && mount \$device $m"
  umount "$m"
  check 'it is free behind that' within 30 all_free
  check 'SIGTERM ends the command, and detaches' signalled TERM
  check 'SIGINT too' signalled INT
}

signalled() {
  local pid
  rm -f "$folder/runs"
  node bin/tnull.js attach a --control "$control" --run "touch $folder/runs; sleep 1000" &
  pid=$!
  within 60 test -e "$folder/runs" || return 1
  kill "-$1" $pid
  ends 143 wait $pid && all_free
}

part_mistakes() {
  local opener
  check 'no such device' fails_with "no device 'none'" tnull attach none
  tnull create off size=1 >/dev/null
  check 'a device without power' fails_with 'off is powered off; power it on with: tnull set off power=1' \
    tnull attach off
  made z zoned=1 zone_size=1
  check 'several connections to a zoned device' fails_with 'z offers one connection only' tnull attach z -C 2
  chmod 666 "$control"
  check 'without root' fails_with '/dev/nbd0: EACCES: attaching takes root' \
    setpriv --reuid 65534 --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search \
    node bin/tnull.js attach a --control "$control"
  made slow irqmode=2 completion_nsec=60000000000
  check 'a disk that is too slow for its time' fails_with '(within 2 s)' tnull attach slow --timeout 2
  check 'is not left attached' all_free
  check 'what is free is not detached' fails_with '/dev/nbd0 is not attached' tnull detach /dev/nbd0
  tnull attach a >/dev/null && tnull attach b >/dev/null
  check 'what is attached is not attached again' fails_with 'a is already attached at /dev/nbd0' tnull attach a
  check 'nor is another device there' fails_with '/dev/nbd1 is already attached, by: ' \
    tnull attach z --device /dev/nbd1
  check 'when all are taken, it says so' fails_with 'no free device: all 2 of /dev/nbd0 to /dev/nbd1' tnull attach z
  sleep 1000 </dev/nbd0 &
  opener=$!
  within 30 grep -qs sleep "/proc/$opener/comm"
  check 'an open device is not detached' fails_with "is open in sleep (process $opener)" tnull detach a
  kill $opener
  tnull detach a
  tnull detach b
}

# The daemon is killed, and begins again.
part_death() {
  check 'the daemon is killed under writes: they fail, and the device is free' dies
  begin
  check 'it is killed while --run writes: the status is the command'"'s" ends 3 tnull attach a \
    --run "kill -KILL $server; ! dd if=/dev/zero of=\$device bs=64k oflag=direct && exit 3"
  check 'and all is free' all_free
  begin
}

dies() {
  local node writer
  node=$(tnull attach b -C 2) || return 1
  (while dd if=/dev/zero of="$node" bs=64k oflag=direct conv=notrunc status=none; do :; done) 2>/dev/null &
  writer=$!
  within 30 eval '[ "$(operations b write)" -gt 100 ]' || return 1
  kill -KILL "$server"
  wait "$server" 2>/dev/null
  within 60 not kill -0 $writer 2>/dev/null || { echo 'dd hangs'; return 1; }
  within 60 all_free
}

# Another daemon, without a unix socket, and another driver.
part_elsewhere() {
  tnull attach a >/dev/null
  check 'the daemon ends in peace with a device attached' stop
  check 'which is free then' within 60 all_free
  TNULL_DEBUG=1 node bin/tnull.js --listen nbd://127.0.0.1:10900 --control "$control" size=64 >"$folder/ready" 2>"$folder/log" &
  server=$!
  tnull wait
  check 'attach by TCP' gives /dev/nbd0 tnull attach nullb0
  check 'detach by name' tnull detach nullb0
  modprobe -r nbd
  check 'without the driver' fails_with 'there is no /dev/nbd0: load the driver as root with: modprobe nbd' \
    tnull attach nullb0
  modprobe nbd nbds_max=2 max_part=0
  check 'a driver without partitions' gives /dev/nbd0 tnull attach nullb0
  check 'detach' tnull detach nullb0
  modprobe -r nbd
}

[ $# -gt 0 ] || set -- use partitions run mistakes death elsewhere
begin
for part; do "part_$part"; done
check 'tnull ends with status 0, and met no bug' stop
verdict
