# What the scripts in the guest share: a tnull of their own, /dev/nbd0, the kernel's view of it.
# Sourced, never run. A script has one device attached at a time, and writes under /run only.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
cd "$checkout" || exit 1
folder=/run/$(basename "$0" .sh)
socket=$folder/nbd.sock
control=$folder/control.sock
device=/dev/nbd0
queue=/sys/block/nbd0/queue
m=$folder/m
mkdir -p "$m"
modprobe nbd nbds_max=2 || die 'the nbd module does not load'

# serve WORDS...: starts the daemon; with nr_devices=0 there is only its control socket to wait for.
serve() {
  TNULL_DEBUG=1 node bin/tnull.js -U "$socket" --control "$control" "$@" \
    >"$folder/ready" 2>"$folder/log" &
  server=$!
  for _ in $(seq 300); do
    [ -S "$control" ] && { [[ " $* " == *' nr_devices=0 '* ]] || [ -s "$folder/ready" ]; } && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$folder/log"
  return 1
}

# stop: the daemon's own end, and what it said meanwhile.
stop() {
  local status
  kill -TERM "$server"
  wait "$server"
  status=$?
  [ $status = 0 ] && ! grep -i 'bug:' "$folder/log" && return
  echo "status $status"
  tail -n 20 "$folder/log"
  return 1
}

# tnull COMMAND WORDS...: to the daemon of this script.
tnull() { node bin/tnull.js "$@" --control "$control"; }

# call METHOD PATH [FLAGS...]: the control API by curl, where it is called often: in this kernel Node starts slowly.
call() { curl -sS --fail-with-body --unix-socket "$control" -X "$1" "http://localhost/v1/$2" "${@:3}"; }

# operations DEVICE NAME: how many requests of one kind the device has done.
operations() { tnull stats "$1" --json | node -p \
  "JSON.parse(fs.readFileSync(0))['$1'].operations['$2'].requests"; }

# attach NAME [FLAGS...]: in blocks of 512 unless the flags say otherwise.
attach() { nbd-client -unix "$socket" $device -N "$@"; }
detach() { nbd-client -d $device; }

# is FILE VALUE: what the kernel says below /sys/block/nbd0.
is() {
  local now
  now=$(cat "/sys/block/nbd0/$1")
  [ "$now" = "$2" ] || { echo "$1 is $now, not $2"; return 1; }
}

# above FILE NUMBER
above() {
  local now
  now=$(cat "/sys/block/nbd0/$1")
  [ "$now" -gt "$2" ] || { echo "$1 is $now, not above $2"; return 1; }
}

not() { ! "$@"; }
forget() { sync && echo 3 >/proc/sys/vm/drop_caches; }

# fails_with TEXT COMMAND...: it must fail, and say so.
fails_with() {
  local text=$1 said
  shift
  said=$("$@" 2>&1 >/dev/null) && { echo 'it succeeded'; return 1; }
  grep -qF "$text" <<<"$said" || { echo "$said"; return 1; }
}

# clean: a file system without a fault, judged without changing it.
clean() { fsck.ext4 -fn $device; }
