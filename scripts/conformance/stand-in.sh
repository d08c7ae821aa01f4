#!/bin/bash
# Called by libnbd's tests as if it were nbdkit, qemu-nbd or nbd-server (CONFORMANCE_ROLE), it starts the
# server under test in its place: CONFORMANCE_SERVER. Questions (--version, --dump-plugin) go to the real program.
# What it did is noted in $CONFORMANCE_NOTES, from which the table tells "this server has no such thing"
# from "it fails".
set -uo pipefail
. "$CONFORMANCE_HOME/../common.sh"
. "$CONFORMANCE_HOME/servers.sh"
. "$CONFORMANCE_HOME/asked.sh"
role=$CONFORMANCE_ROLE
arguments=("$@")

note() { echo "$*" >>"${CONFORMANCE_NOTES:-/dev/null}"; }
cannot() {
  note "unsupported $*"
  echo "stand-in: $CONFORMANCE_SERVER: $*" >&2
  exit 1
}

# The program that the test asked for, as it is; plugins and filters named so that it finds them.
real() {
  local word words=() plugin=''
  if [ "$role" != nbdkit ]; then
    foreign "$(suite)" "usr/bin/$role" "${arguments[@]}"
    exec "${command[@]}"
  fi
  for word in "${arguments[@]}"; do
    case $word in
      --filter=*) word=--filter=$(nbdkit_lib)/filters/nbdkit-${word#--filter=}-filter.so ;;
      null | memory | pattern | data | eval | sh | file | sparse-random | split)
        if [ -z "$plugin" ]; then
          plugin=$word
          word=$(nbdkit_lib)/plugins/nbdkit-$word-plugin.so
        fi
        ;;
    esac
    words+=("$word")
  done
  nbdkit_program "${words[@]}"
  exec "${command[@]}"
}

for word in "$@"; do
  case $word in --version | --help | --dump-plugin | --dump-config | --list) real ;; esac
done
# nbdkit listens on both families; the others here on the one that the test uses.
[ "${CONFORMANCE_TEST:-}" != connect-tcp6 ] || ipv6=1
# Asked only whether nbdkit can do a thing.
case "$*" in *'--run test "$uri" != ""' | *'--run exit 0') real ;; esac
# Asked for nothing but an error message.
[ "$role" != qemu-nbd ] || [[ " $* " == *' -f '* ]] || real
is_witness "$@" && real
note "asked $role $*"
[ "$role" != "$CONFORMANCE_SERVER" ] || real

nothing_wanted
run='' pidfile='' plugin='' source=() format='' once=0

# Puts what the test's server would have held into ours, holes as holes: those of nbdkit are of 32 KiB,
# whatever zeroes are beside its data, and so are ours then.
fill() {
  local target=$1 words=()
  if [ "$plugin" = image ]; then
    foreign "$(suite)" usr/bin/qemu-nbd -r -t -e 0 -f "$format" -k "$scratch/fill.sock" "${source[0]}"
  else
    words=("$(nbdkit_lib)/plugins/nbdkit-$plugin-plugin.so" "${source[@]}")
    nbdkit_program -f -U "$scratch/fill.sock" "${words[@]}"
  fi
  "${command[@]}" </dev/null >/dev/null 2>"$scratch/fill.log" 3>&- 4>&- &
  local pid=$! status
  "$bridge" ready "$scratch/fill.sock" $pid || cat "$scratch/fill.log" >&2
  LIBNBD_DEBUG=0 "$conformance/libnbd-trixie/run" nbdcopy --destination-is-zero -S 32768 \
    "nbd+unix:///?socket=$scratch/fill.sock" "$target"
  status=$?
  kill $pid
  return $status
}

[ -z "${ipv6:-}" ] || host='[::1]'
"read_${role//-/_}" "$@"
[ -z "${exports[*]}" ] || size=${exports[1]}
scratch=$(mktemp -d /dev/shm/conformance.XXXXXX)
# The folder goes when this process, or the one that takes its place, is gone.
setsid sh -c 'tail -f --pid="$1" /dev/null; rm -rf "$2"' sh $$ "$scratch" </dev/null >/dev/null 2>&1 3>&- 4>&- &

if [ "${#way[@]}" = 0 ]; then
  if [ -n "${LISTEN_FDS:-}" ]; then way=(activation); else cannot 'this way in'; fi
fi
[ "${way[*]}" != 'unix -' ] || way=(unix "$scratch/run.sock")

case $plugin in
  pattern | sparse-random) ;;
  data | file)
    nbdkit_program -U - "$(nbdkit_lib)/plugins/nbdkit-$plugin-plugin.so" "${source[@]}" \
      --run 'nbdinfo --size "$uri"'
    size=$(LIBNBD_DEBUG=0 "${command[@]}") ;;
esac

# How the server itself is reached: as asked, or through the bridge.
asked=("${way[@]}")
must_fill=0
case $plugin in pattern | data | file | sparse-random | image) must_fill=1 ;; esac
case $plugin:$format in
  file: | image:raw)
    # Servers of files serve the test's own, which some tests look at afterwards.
    disk=$(realpath "${source[0]#file=}")
    [ "$CONFORMANCE_SERVER" = tnull ] || must_fill=0
    ;;
esac
case $CONFORMANCE_SERVER:${asked[0]} in
  qemu-nbd:stdin) way=(unix "$scratch/s") ;;
esac
[ $must_fill = 0 ] || [ "${asked[0]}" = tcp ] || [ "${asked[0]}" = unix ] || way=(unix "$scratch/s")
[ "$once:${asked[0]}:$pidfile" != 1:unix: ] || once_at=${way[1]} way=(unix "$scratch/s") asked=(once)

# Filling is writing. Which tests want -r for its own sake ask for data of no kind.
[ $must_fill = 0 ] || readonly=0
server_command "$CONFORMANCE_SERVER"
[ -z "$unsupported" ] || cannot "$unsupported"
[ "$size" = "$size_given" ] || note "rounded $size to $size_given"
note "started ${command[*]}"

# secure URI: with what this server's TLS wants of a client.
secure() {
  if [ "$tls" = off ]; then
    echo "$1"
  elif [ -n "$tls_psk" ]; then
    sed -e 's#^nbd#nbds#' -e 's#:///#://alice@/#' <<<"$1&tls-psk-file=$tls_psk"
  else
    sed -e 's#^nbd#nbds#' <<<"$1&tls-certificates=$tls_certificates&tls-hostname=localhost"
  fi
}
target() {
  case ${way[0]} in
    unix) secure "nbd+unix:///?socket=${way[1]}" ;;
    tcp) echo "nbd://127.0.0.1:${way[1]}/" ;;
  esac
}
address() {
  if [ "${way[0]}" = tcp ] && [ "$host" = '[::1]' ]; then echo "::${way[1]}"; else echo "${way[1]}"; fi
}
start_aside() {
  LIBNBD_DEBUG=0 setpriv --pdeathsig TERM "${command[@]}" </dev/null >"$scratch/server.out" 2>"$scratch/server.err" 3>&- &
  server=$!
  "$bridge" ready "$(address)" $server || {
    note "no start: $(tail -n 3 "$scratch/server.err" | tr '\n' ' ')"
    cat "$scratch/server.err" >&2
    exit 1
  }
  [ $must_fill = 0 ] || fill "$(target)" || { note 'could not be filled'; exit 1; }
}

if [ -n "$run" ]; then
  start_aside
  uri=$(secure "nbd+unix:///$export?socket=${way[1]}")
  uri=$uri unixsocket=${way[1]} nbd=unix:${way[1]} exportname=$export bash -c "$run"
  status=$?
  kill $server
  exit $status
fi
if [ "${asked[0]}" = "${way[0]}" ] && [ $must_fill = 0 ]; then
  [ -z "$pidfile" ] || (
    [ "${way[0]}" = stdin ] || "$bridge" ready "$(address)" $$ || note 'no start'
    # In any case: the test would wait for it for a minute.
    echo $$ >"$pidfile"
  ) &
  exec setpriv --pdeathsig TERM "${command[@]}"
fi
start_aside
[ -z "$pidfile" ] || echo $$ >"$pidfile"
case ${asked[0]} in
  stdin) exec setpriv --pdeathsig TERM "$bridge" connect "$(address)" ;;
  activation) exec setpriv --pdeathsig TERM "$bridge" accept fd3 "$bridge" connect "$(address)" ;;
  once) exec setpriv --pdeathsig TERM "$bridge" once "$once_at" "$bridge" connect "$(address)" ;;
esac
# Ends with its parent, and the server with it.
exec setpriv --pdeathsig TERM tail -f --pid="$server" /dev/null
