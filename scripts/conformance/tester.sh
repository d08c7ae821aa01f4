#!/bin/bash
# One run of nbd-tester-client against a server that is started for it.
#
#   tester.sh NAME SERVER BYTES READONLY ARGS...    ARGS are the client's, but for LIST (list the exports
#   first, with nbd-client), FLUSH (the export has something to flush), TLS (the server speaks it) and -u
#   (over a unix socket)
set -uo pipefail
. "$(dirname "$0")/../common.sh"
. "$(dirname "$0")/servers.sh"
server=$2 size_wanted=$3 readonly_wanted=$4
shift 4
note() { echo "$*" >>"$CONFORMANCE_NOTES"; }
scratch=$(mktemp -d /dev/shm/conformance.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
port=$(free_port)
nothing_wanted
size=$size_wanted readonly=$readonly_wanted way=(tcp "$port") where=(127.0.0.1 "$port") list=0 arguments=()
for word in "$@"; do
  case $word in
    LIST) list=1 ;;
    FLUSH) flag=flush ;;
    TLS) tls=on tls_verify_peer=1 tls_certificates=$conformance/nbd-trixie/tests/run/certs ;;
    -u) way=(unix "$scratch/s") where=(-u "$scratch/s") ;;
    *) arguments+=("$word") ;;
  esac
done
[ $tls = off ] || [ "$server" != qemu-nbd ] || tls=require
# nbd-tester-client cannot ask for the default export. nbdkit serves whatever is asked for.
name=export1
case $server in nbd-server | qemu-nbd | tnull) export=$name ;; esac
server_command "$server"
[ -z "$unsupported" ] || {
  note "unsupported $unsupported"
  exit 1
}
note "asked $server"
echo "${command[*]}"
setpriv --pdeathsig KILL "${command[@]}" >"$scratch/out" 2>"$scratch/err" </dev/null &
pid=$!
"$bridge" ready "${way[1]}" $pid || {
  note "no start: $(tail -n 3 "$scratch/err" | tr '\n' ' ')"
  exit 1
}
if [ $list = 1 ]; then nbd-client -l 127.0.0.1 "$port" || exit 1; fi
client=$conformance/nbd-trixie/tests/run/nbd-tester-client
"$client" -N "$name" "${arguments[@]}" "${where[@]}"
status=$?
kill -0 $pid 2>/dev/null || {
  echo "the server ended: $(tail -n 5 "$scratch/err")"
  [ $status != 0 ] || status=1
}
kill $pid 2>/dev/null
exit $status
