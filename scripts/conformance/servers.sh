# The servers that are compared, and how each is told the same thing. Sourced, never run.
# shellcheck shell=bash
#
# What is wanted stands in variables:
#   way       unix PATH | tcp PORT | stdin | activation      (an array of one or two words)
#   host      of tcp: 127.0.0.1 or [::1]
#   size      bytes; `size_given` is the same, or rounded where the server has a coarser unit
#   memory    1: holds data; 0: writes vanish and reads give zeros
#   readonly  1
#   export    its name; empty: the default export
#   text      its description
#   tls       off | on | require, with tls_certificates, tls_psk, tls_verify_peer=1
#   disk      a file to serve, for the servers that serve files
#   scratch   a folder of this server's own
# `server_command SERVER` puts the command line into the array `command`, or says in `unsupported`
# why this server has no such thing.

conformance=${CONFORMANCE_CACHE:-$checkout/.cache/conformance}
bridge=$conformance/bin/bridge
servers=(tnull nbdkit qemu-nbd nbd-server)

# A program of a Debian suite that is unpacked and not installed: by its own loader and libraries.
foreign() {
  local suite=$1 program=$2 lib
  shift 2
  lib=$conformance/$suite/usr/lib/x86_64-linux-gnu
  [ -e "$lib/ld-linux-x86-64.so.2" ] || lib=$conformance/$suite/lib/x86_64-linux-gnu:$lib
  command=("${lib%%:*}/ld-linux-x86-64.so.2" --library-path "$lib" --argv0 "${program##*/}"
    "$conformance/$suite/$program" "$@")
}

suite() { echo "${CONFORMANCE_SUITE:-trixie}"; }

server_command() {
  local bare=$host port_address=${way[1]:-}
  unsupported=''
  size_given=$size
  if [ "$host" = '[::1]' ]; then bare=::1 port_address=::${way[1]:-}; fi
  case $1 in
    tnull) tnull_command ;;
    nbdkit) nbdkit_command ;;
    qemu-nbd) qemu_nbd_command ;;
    nbd-server) nbd_server_command ;;
  esac
}

tnull_command() {
  local mebibyte=1048576
  size_given=$(((size + mebibyte - 1) / mebibyte * mebibyte))
  [ "$size" -gt 0 ] || size_given=$mebibyte
  command=(node "$checkout/bin/tnull.js" --no-control "size=$((size_given / mebibyte))"
    "memory_backed=$memory" "discard=$memory")
  case ${way[0]} in
    unix) command+=(-U "${way[1]}") ;;
    tcp) command+=(--listen "nbd://$host:${way[1]}") ;;
    stdin) command+=(--stdin) ;;
  esac
  [ "$readonly" = 0 ] || unsupported='read-only exports'
  [ -z "$text" ] || unsupported='descriptions of exports'
  [ -z "$export" ] || unsupported='exports of any name'
  if [ "$tls" != off ]; then
    command+=("--tls=$tls")
    [ -z "$tls_certificates" ] || command+=("--tls-certificates=$tls_certificates")
    [ -z "$tls_psk" ] || command+=("--tls-psk=$tls_psk")
    [ "$tls_verify_peer" = 0 ] || command+=(--tls-verify-peer)
  fi
}

nbdkit_command() {
  local arguments=(-f) plugin=null
  [ "$memory" = 0 ] || plugin=memory
  case ${way[0]} in
    unix) arguments+=(-U "${way[1]}") ;;
    tcp) arguments+=(-i "$bare" -p "${way[1]}") ;;
    stdin) arguments=(-s) ;;
  esac
  [ "$readonly" = 0 ] || arguments+=(-r)
  if [ "$tls" != off ]; then
    arguments+=("--tls=$tls")
    [ -z "$tls_certificates" ] || arguments+=("--tls-certificates=$tls_certificates")
    [ -z "$tls_psk" ] || arguments+=("--tls-psk=$tls_psk")
    [ "$tls_verify_peer" = 0 ] || arguments+=(--tls-verify-peer)
  fi
  [ -z "$text" ] || unsupported='descriptions of exports'
  nbdkit_program "${arguments[@]}" "$(nbdkit_lib)/plugins/nbdkit-$plugin-plugin.so" "size=$size"
}
nbdkit_lib() { echo "$conformance/$(suite)/usr/lib/x86_64-linux-gnu/nbdkit"; }
nbdkit_program() { foreign "$(suite)" usr/bin/nbdkit "$@"; }

qemu_nbd_command() {
  local arguments=(-t -e 0 -f raw -x "$export" --discard=unmap) file=${disk:-$scratch/disk}
  case ${way[0]} in
    unix) arguments+=(-k "${way[1]}") ;;
    tcp) arguments+=(-b "$bare" -p "${way[1]}") ;;
    stdin) unsupported='serving standard input' ;;
  esac
  [ "$readonly" = 0 ] || arguments+=(-r)
  [ -z "$text" ] || arguments+=(-D "$text")
  if [ -n "$tls_certificates" ] && [ "$tls" != off ]; then
    local verify=no
    [ "$tls_verify_peer" = 0 ] || verify=yes
    arguments+=(--object "tls-creds-x509,id=tls0,endpoint=server,dir=$tls_certificates,verify-peer=$verify"
      --tls-creds tls0)
  elif [ "$tls" != off ]; then
    arguments+=(--object "tls-creds-psk,id=tls0,endpoint=server,dir=$(dirname "$tls_psk")" --tls-creds tls0)
  fi
  [ "$tls" != on ] || unsupported='TLS as a choice of the client'
  [ -n "${disk:-}" ] || truncate -s "$size" "$file"
  foreign "$(suite)" usr/bin/qemu-nbd "${arguments[@]}" "$file"
}

# nbd-server has a default export only when it serves its standard input, so each client gets one.
nbd_server_command() {
  local file=${disk:-$scratch/disk} configuration=$scratch/nbd-server.conf program=usr/bin/nbd-server
  # It ends the connection that asks for an empty export.
  [ "$size" -gt 0 ] || size_given=1048576
  [ -n "${disk:-}" ] || truncate -s "$size_given" "$file"
  {
    echo '[generic]'
    echo 'allowlist = true'
    if [ "$tls" != off ] && [ -n "$tls_certificates" ]; then
      printf 'certfile = %s/server-cert.pem\nkeyfile = %s/server-key.pem\ncacertfile = %s/ca-cert.pem\n' \
        "$tls_certificates" "$tls_certificates" "$tls_certificates"
      [ "$tls" != require ] || echo 'force_tls = true'
    fi
    # One that is told a port listens on it, although it is to serve its standard input.
    [ -z "$export" ] || [ "${way[0]}" != tcp ] ||
      printf 'listenaddr = 127.0.0.1\nport = %s\n' "${way[1]}"
    printf '[%s]\nexportname = %s\nflush = true\nfua = true\ntrim = true\n' "${export:-default}" "$file"
    [ "$readonly" = 0 ] || echo 'readonly = true'
  } >"$configuration"
  [ -z "$tls_psk" ] || unsupported='TLS with pre-shared keys'
  [ -z "$text" ] || unsupported='descriptions of exports'
  if [ -n "$export" ] && [ "${way[0]}" = tcp ]; then
    foreign "$(suite)" "$program" -n -C "$configuration"
    return
  fi
  foreign "$(suite)" "$program" -d -C "$configuration" 0 "$file"
  case ${way[0]} in
    unix) command=("$bridge" accept "${way[1]}" "${command[@]}") ;;
    tcp) command=("$bridge" accept "$port_address" "${command[@]}") ;;
    activation) command=("$bridge" accept fd3 "${command[@]}") ;;
  esac
}

# A port that nobody listens on now.
free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close(); })'
}
