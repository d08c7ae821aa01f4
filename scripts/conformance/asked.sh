# What a test asked nbdkit, qemu-nbd or nbd-server for, as the variables of servers.sh. Sourced, never run.
# shellcheck shell=bash disable=SC2034 # the variables are for who sources it
#
# Beside those of servers.sh:
#   plugin    null | memory | pattern | data | file | sparse-random | image: what the export is to hold
#   source    the words that say so to that program
#   format    of an image
#   run       a command to run beside the server
#   pidfile   where the server's process id goes
#   once=1    to end with the first client
# `cannot` ends the program where no other server has the like.

# bytes TEXT: what nbdkit takes for a size; fails for other words.
bytes() {
  [[ $1 =~ ^([0-9]+)([kKmMgG]?)$ ]] || return 1
  case ${BASH_REMATCH[2]} in
    k | K) echo $((BASH_REMATCH[1] << 10)) ;;
    m | M) echo $((BASH_REMATCH[1] << 20)) ;;
    g | G) echo $((BASH_REMATCH[1] << 30)) ;;
    *) echo "${BASH_REMATCH[1]}" ;;
  esac
}

# These tests look at what nbdcopy writes, in the log of a destination that only nbdkit can be. So it is
# the destination, and the source is the server under test.
is_witness() {
  [[ ${CONFORMANCE_TEST:-} =~ ^copy-(sparse|flush) ]] && [[ " $* " == *' eval '* ]]
}

read_nbdkit() {
  while [ $# -gt 0 ]; do
    case $1 in
      -s | -sv) way=(stdin) ;;
      -f | -v | -n | -fv | --exit-with-parent) ;;
      -U) way=(unix "$2") && shift ;;
      -p | --port) way=(tcp "$2") && shift ;;
      -i | -D) shift ;;
      -P) pidfile=$2 && shift ;;
      -r) readonly=1 ;;
      -e) export=$2 && shift ;;
      --run) run=$2 && shift ;;
      --tls=*) tls=${1#*=} ;;
      --tls-certificates=*) tls_certificates=$(realpath "${1#*=}") ;;
      --tls-psk=*) tls_psk=$(realpath "${1#*=}") ;;
      --tls-verify-peer) tls_verify_peer=1 ;;
      --filter=delay | delay-trim=* | delay-write=*) ;;
      delay-read=*) delay=${1#*=} ;;
      --filter=blocksize-policy) ;;
      blocksize-maximum=*) max_payload=$(bytes "${1#*=}") ;;
      blocksize-minimum=* | blocksize-error-policy=error) refuse_unaligned=1 ;;
      --filter=rate) ;;
      rate=*) slow=1 ;;
      # Makes a plugin's data writable, as they are here.
      --filter=cow) ;;
      -o | --oldstyle) cannot 'the old handshake' ;;
      --vsock) cannot 'vsock' ;;
      --mask-handshake | --no-sr | --no-eh) cannot "$1 of nbdkit" ;;
      --filter=*) cannot "nbdkit's filter ${1#*=}" ;;
      -*) cannot "$1 of nbdkit" ;;
      sh | eval) read_script "$@" && return ;;
      null) plugin=null memory=0 ;;
      memory) plugin=memory ;;
      pattern | data | sparse-random | file) plugin=$1 ;;
      dir=*) read_folder "${1#dir=}" ;;
      size=*) size=$(bytes "${1#size=}") ;;
      data=* | seed=* | file=*) source+=("$1") ;;
      *) if [ "$plugin" = file ]; then source+=("$1"); else size=$(bytes "$1") || cannot "$1 of nbdkit"; fi ;;
    esac
    shift
  done
  [ "$plugin" != sparse-random ] || source+=("size=$size")
  [ "$plugin" != data ] || [ "$size" = 0 ] || source+=("size=$size")
  [ "$plugin" != pattern ] || source+=("size=$size")
}

# The scripts of libnbd's tests that say nothing but which flags an export has.
read_script() {
  local plugin_of=$1 key='' print='' rc=0
  shift
  plugin=memory
  case $plugin_of:$* in
    sh:*eflags-plugin.sh\ key=*)
      size=1048576
      for word in "$@"; do
        case $word in
          key=*) key=${word#key=} ;;
          print=*) print=${word#print=} ;;
          rc=*) rc=${word#rc=} ;;
        esac
      done
      flag=${key#can_} flag=${flag#is_} offered=1
      [ "$rc" = 0 ] && [ "$print" != none ] || offered=0
      ;;
    'eval:get_size=echo 512 can_write=exit 0') size=512 flag=trim offered=0 ;;
    *) cannot "nbdkit's plugin $plugin_of" ;;
  esac
}

# An export for each file of a folder.
read_folder() {
  local file
  plugin=memory
  for file in "$1"/*; do
    [ ! -f "$file" ] || exports+=("${file##*/}" "$(stat -c %s "$file")")
  done
}

# As for an inetd: `-C CONFIGURATION -d 0 [FILE]`.
read_nbd_server() {
  local word configuration=''
  way=(stdin) plugin=memory
  while [ $# -gt 0 ]; do
    case $1 in
      -d | 0) ;;
      -C) configuration=$2 && shift ;;
      -*) cannot "$1 of nbd-server" ;;
      *) plugin=image format=raw source=("$1") size=$(stat -c %s "$1") ;;
    esac
    shift
  done
  word=$(sed -n 's/^cacertfile = //p' "$configuration")
  [ -z "$word" ] || tls=on tls_certificates=${word%/*}
  ! grep -q '^force_tls' "$configuration" || tls=require
  while read -r word; do exports+=("$word" 0); done < <(sed -n 's/^\[\(.*\)\]$/\1/p' "$configuration" | grep -vx generic)
}

read_qemu_nbd() {
  plugin=image once=1
  while [ $# -gt 0 ]; do
    case $1 in
      -t | --persistent) once=0 ;;
      -r) readonly=1 ;;
      -f) format=$2 && shift ;;
      -x) export=$2 && shift ;;
      -D) text=$2 && shift ;;
      -k) way=(unix "$2") && shift ;;
      --socket=*) way=(unix "${1#*=}") ;;
      --pid-file=*) pidfile=${1#*=} ;;
      --cache=*) ;;
      -A | -B | -BA) cannot "qemu's bitmaps" ;;
      --object)
        tls=require tls_certificates=${2##*dir=} tls_certificates=${tls_certificates%%,*}
        [[ $2 != tls-creds-psk* ]] || { tls_psk=$tls_certificates/keys.psk && tls_certificates=; }
        shift
        ;;
      --tls-creds) shift ;;
      -*) cannot "$1 of qemu-nbd" ;;
      *) source=("$1") ;;
    esac
    shift
  done
  [ -n "$format" ] || cannot 'guessing the format of an image'
  size=$(qemu-img info -f "$format" --output=json "${source[0]}" | sed -nE 's/^ {4}"virtual-size": ([0-9]+),?$/\1/p')
}
