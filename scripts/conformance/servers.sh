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
#   exports   names and sizes of several exports, in turn: NAME BYTES NAME BYTES ...
#   flag      a transmission flag, in libnbd's words, that the export has (offered=1) or has not (offered=0)
#   delay     seconds that each read takes
#   slow=1    no more than 1 MiB/s
#   max_payload       the longest request in bytes, as the block size information says
#   refuse_unaligned  1: parts of blocks are refused
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

nothing_wanted() {
  way=() host=127.0.0.1 size=0 memory=1 readonly=0 export='' text='' tls=off tls_certificates='' tls_psk=''
  tls_verify_peer=0 disk='' exports=() flag='' offered=1 delay=0 slow=0 max_payload='' refuse_unaligned=0
}

suite() { echo "${CONFORMANCE_SUITE:-trixie}"; }

server_command() {
  local bare=$host port_address=${way[1]:-}
  unsupported=''
  size_given=$size
  if [ "$host" = '[::1]' ]; then bare=::1 port_address=::${way[1]:-}; fi
  [ "$1" = tnull ] || only_of_tnull
  case $1 in
    tnull) tnull_command ;;
    nbdkit) nbdkit_command ;;
    qemu-nbd) qemu_nbd_command ;;
    nbd-server) nbd_server_command ;;
  esac
}

# What the stand-in can give tnull, and to the others only when a test asks them by their own name.
only_of_tnull() {
  [ "$delay" = 0 ] || unsupported='delays'
  [ "$slow" = 0 ] || unsupported='limits of bandwidth'
  [ -z "$max_payload" ] || unsupported='a choice of the largest request'
  [ "$refuse_unaligned" = 0 ] || unsupported='a choice of the block size'
  [ "${#exports[@]}" = 0 ] || unsupported='several exports'
}

tnull_command() {
  local tnull_flags=()
  read -ra tnull_flags <<<"${CONFORMANCE_TNULL_FLAGS:-}"
  # A device is never empty.
  [ "$size" -gt 0 ] || size_given=1048576
  command=(node "$checkout/bin/tnull.js" --no-control "memory_backed=$memory" "discard=$memory")
  if [ -n "$export${exports[*]}" ]; then tnull_names; else command+=("size_bytes=$size_given"); fi
  command+=("${tnull_flags[@]}")
  case ${way[0]} in
    unix) command+=(-U "${way[1]}") ;;
    tcp) command+=(--listen "nbd://$host:${way[1]}") ;;
    stdin) command+=(--stdin) ;;
  esac
  [ "$readonly" = 0 ] || command+=(--read-only)
  [ -z "$text" ] || unsupported='descriptions of exports'
  [ "$delay" = 0 ] || command+=(irqmode=2 "completion_nsec=${delay}000000000")
  [ "$slow" = 0 ] || command+=(mbps=1)
  [ "$refuse_unaligned" = 0 ] || command+=(alignment=error)
  [ -z "$max_payload" ] || command+=("--max-payload=$max_payload")
  [ -z "$flag" ] || tnull_flag
  if [ "$tls" != off ]; then
    command+=("--tls=$tls")
    [ -z "$tls_certificates" ] || command+=("--tls-certificates=$tls_certificates")
    [ -z "$tls_psk" ] || command+=("--tls-psk=$tls_psk")
    [ "$tls_verify_peer" = 0 ] || command+=(--tls-verify-peer)
  fi
}

# Exports have the names of devices, and those are files of the control tree.
tnull_names() {
  [[ $export != */* ]] || {
    unsupported='a slash in the name of an export'
    return
  }
  [ "${#exports[@]}" != 0 ] || exports=("$export" "$size_given")
  node -e 'const [, to, ...words] = process.argv, devices = {};
    for (let at = 0; at < words.length; at += 2) devices[words[at]] = { size_bytes: Number(words[at + 1]) };
    require("fs").writeFileSync(to, JSON.stringify({ devices }));' "$scratch/tnull.json" "${exports[@]}"
  command+=("--config=$scratch/tnull.json")
}

# What a device has or has not decides its flags.
tnull_flag() {
  case $flag:$offered in
    flush:1 | fua:1) command+=(cache_size=1) ;;
    flush:0) command+=(--offer-flush=cache) ;;
    fua:0) command+=(cache_size=1 fua=0) ;;
    fast_zero:0) command+=(cache_size=1) ;;
    multi_conn:0) command+=(zoned=1 zone_size=1 discard=0) ;;
    rotational:*) command+=("rotational=$offered") ;;
    trim:*) command+=("discard=$offered") ;;
    # df: it is the client that does without structured replies then.
    flush:0 | df:* | zero:1 | fast_zero:1 | multi_conn:1 | cache:1) ;;
    *) unsupported="an export without the flag $flag" ;;
  esac
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
  if [ -n "$disk" ]; then
    nbdkit_program "${arguments[@]}" "$(nbdkit_lib)/plugins/nbdkit-file-plugin.so" "$disk"
  else
    nbdkit_program "${arguments[@]}" "$(nbdkit_lib)/plugins/nbdkit-$plugin-plugin.so" "size=$size"
  fi
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
    # The file must have this name.
    mkdir "$scratch/psk"
    ln -s "$tls_psk" "$scratch/psk/keys.psk"
    arguments+=(--object "tls-creds-psk,id=tls0,endpoint=server,dir=$scratch/psk" --tls-creds tls0)
  fi
  [ "$tls" != on ] || unsupported='TLS as a choice of the client'
  case $flag:$offered in
    rotational:0 | df:0) ;;
    rotational:1 | *:0) unsupported="a choice of the flag $flag" ;;
  esac
  size_given=$(((size + 511) / 512 * 512))
  [ -n "${disk:-}" ] || truncate -s "$size" "$file"
  foreign "$(suite)" usr/bin/qemu-nbd "${arguments[@]}" "$file"
}

# nbd-server has a default export only when it serves its standard input, so each client gets one.
nbd_server_command() {
  local file=${disk:-$scratch/disk} configuration=$scratch/nbd-server.conf program=usr/bin/nbd-server
  # Flags are for exports that have a name; the default export has but those that all have.
  case $flag:$offered in
    :* | flush:0 | fua:0 | trim:0 | rotational:0 | zero:1 | multi_conn:1 | df:*) ;;
    flush:1 | fua:1 | trim:1) [ -n "$export" ] || unsupported="a default export with the flag $flag" ;;
    *:1) unsupported="an export with the flag $flag" ;;
    *) unsupported="an export without the flag $flag" ;;
  esac
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
    printf '[%s]\nexportname = %s\n' "${export:-default}" "$file"
    printf 'flush = true\nfua = true\ntrim = true\n'
    [ "$readonly" = 0 ] || echo 'readonly = true'
  } >"$configuration"
  [ -z "$tls_psk" ] || unsupported='TLS with pre-shared keys'
  [ -z "$text" ] || unsupported='descriptions of exports'
  if [ -n "$export" ] && [ "${way[0]}" = tcp ]; then
    foreign "$(suite)" "$program" -n -C "$configuration"
    return
  fi
  foreign "$(suite)" "$program" -d -C "$configuration" 0 "$file"
  [ "$readonly" = 0 ] || command+=(-r)
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
