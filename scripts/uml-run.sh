#!/bin/bash
# Boots the kernel of uml-get.sh and runs SCRIPT in it, as root, on this machine's own file tree.
#
#   uml-run.sh DIR SCRIPT [ARGS...]
#
# SCRIPT gets this directory and environment; its stdout and stderr are streamed apart. /proc, /sys,
# /dev and /run are the guest's own; everything else is the machine's tree, written through. In
# SCRIPT, UML=1, TMPDIR=/run/tmp, and modprobe finds the kernel's modules.
#
# Environment: UML_TIMEOUT  seconds until the kernel is killed (300)
#              UML_MEM      the guest's memory (2G)
#              UML_LOG      a file to keep the kernel's log in
#
# Exit status: SCRIPT's own; 250 the kernel panicked, 251 timeout, 252 the guest ended without a
# status, 253 it could not be started.
set -u
say() { printf 'uml-run: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 253
}

[ $# -ge 2 ] || die "usage: uml-run.sh DIR SCRIPT [ARGS...]"
dir=$(cd "$1" 2>/dev/null && pwd -P) && [ -x "$dir/linux" ] || die "no kernel in $1: run uml-get.sh $1"
script=$(realpath -e -- "$2" 2>/dev/null) && [ -x "$script" ] || die "no executable script $2"
shift 2
limit=${UML_TIMEOUT:-300}
memory=${UML_MEM:-2G}

work=$(mktemp -d /tmp/uml.XXXXXX) || die "no temporary directory"
guest=
finish() {
  [ -z "$guest" ] || kill -KILL -- "-$guest" 2>/dev/null
  [ -z "${UML_LOG:-}" ] || [ ! -f "$work/log" ] || tr -d '\r' <"$work/log" >"$UML_LOG"
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The guest's memory is one sparse file: where it does not fit, the guest dies of SIGBUS half-way.
memory_folder() {
  local bytes folder
  bytes=$(numfmt --from=iec "$memory") || return 1
  for folder in /dev/shm "${TMPDIR:-/tmp}" /tmp; do
    [ -w "$folder" ] && [ "$(df --output=avail -B1 "$folder" | tail -n 1)" -gt "$bytes" ] &&
      echo "$folder" && return
  done
  return 1
}
store=$(memory_folder) || die "neither /dev/shm nor /tmp has $memory free: set UML_MEM"

write_environment() {
  export -p | grep -E '^declare -x [A-Za-z_0-9]+=' |
    grep -vE '^declare -x (TMPDIR|OLDPWD|SHLVL|PWD|_)='
  printf 'export UML=1 TMPDIR=/run/tmp HOME=%q\n' "${HOME:-/root}"
  printf 'export PATH=/run/uml:%q:/usr/sbin:/sbin\n' "${PATH:-/usr/bin:/bin}"
  printf 'command=(%s)\n' "$(printf '%q ' "$script" "$@")"
  printf 'cd %q\n' "$PWD"
}
write_environment "$@" >"$work/environment"
printf '#!/bin/sh\nexec /sbin/modprobe -d %q "$@"\n' "$dir" >"$work/modprobe"

# The guest's first process. At its end, a file system on a dead device must not keep it from
# stopping, hence the sync with a limit; the last two stty wait until all output is out.
cat >"$work/init" <<'INIT'
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
work=${0%/*}
mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
exec </dev/null >/dev/tty0 2>/dev/tty1
stty -opost <&1; stty -opost <&2
mkdir -p /dev/shm /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t devpts -o ptmxmode=666 pts /dev/pts
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin; ln -sfn fd/1 /dev/stdout; ln -sfn fd/2 /dev/stderr
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /run/uml; mkdir -m 1777 /run/tmp
install -m 755 "$work/modprobe" /run/uml/modprobe
echo /run/uml/modprobe >/proc/sys/kernel/modprobe
ip link set lo up
. "$work/environment"
"${command[@]}"
status=$?
sync & for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $! 2>/dev/null || break; sleep 0.5; done
stty -opost <&1; stty -opost <&2
echo "uml-run: status $status" >/dev/kmsg
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod 755 "$work/init"

# The consoles are pipes of our own, as the kernel makes them non-blocking. The guest gets a session
# of its own, as a panicking kernel signals its whole process group.
mkfifo "$work/out" "$work/err" "$work/kmsg"
cat <"$work/out" &
relays=($!)
cat <"$work/err" >&2 &
relays+=($!)
cat <"$work/kmsg" >"$work/log" &
relays+=($!)
ulimit -c 0
TMPDIR=$store setsid setpriv --pdeathsig TERM timeout -k 2 "$limit" "$dir/linux" \
  mem="$memory" seccomp=on rootfstype=hostfs rootflags=/ rw "init=$work/init" \
  con=null con0=null,fd:3 con1=null,fd:4 ssl=null ssl0=null,fd:5 console=ttyS0 \
  noreboot panic=-1 oops=panic umid=guest "uml_dir=$work/" \
  </dev/null >"$work/boot" 2>&1 3>"$work/out" 4>"$work/err" 5>"$work/kmsg" &
guest=$!
wait "$guest" 2>/dev/null
code=$?
kill -KILL -- "-$guest" 2>/dev/null
wait "${relays[@]}"

status=$(tr -d '\r' <"$work/log" | sed -n 's/.*uml-run: status \([0-9]*\)$/\1/p' | tail -n 1)
panic=$(tr -d '\r' <"$work/log" | grep -m1 -E 'Kernel panic|Oops')
report() {
  say "$1; the kernel's last words:"
  { cat "$work/boot"; tr -d '\r' <"$work/log"; } | tail -n 40 | sed 's/^/  | /' >&2
}
if [ -n "$panic" ]; then
  report "the kernel panicked"
  exit 250
elif [ -n "$status" ]; then
  exit "$status"
elif [ "$code" = 124 ] || [ "$code" = 137 ]; then
  report "timeout: killed after $limit s"
  exit 251
fi
report "the guest ended without a status (exit $code)"
exit 252
