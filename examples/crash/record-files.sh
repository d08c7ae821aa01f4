#!/bin/bash
# Records what a command does to a file system on a device of tnull: makes the file system, mounts it, marks `begin`,
# runs the command in it, and unmounts it. Takes root and the module nbd: in-uml.sh gives both to everyone.
#
#   record-files.sh FILE.tj TYPE MIB OPTIONS COMMAND     for example: x.tj ext4 16 barrier=0 'touch new; sync'
#
# DEVICE: the device to use (/dev/nbd0); RULE: a rule of faults for the device while the command runs.
set -e
[ $# = 5 ] || { echo "usage: $0 FILE.tj TYPE MIB OPTIONS COMMAND" >&2; exit 2; }
export type=$2 options=$4 command=$5
export PATH=$PATH:/usr/sbin:/sbin DEVICE=${DEVICE:-/dev/nbd0} TNULL=${TNULL:-tnull}
# Everything at once: a kernel's thread that writes later would be in every run elsewhere.
export ext4='-q -E lazy_itable_init=0,lazy_journal_init=0' xfs='-q --unsupported' btrfs='-q'

exec $TNULL crash record -o "$1" size="$3" bs=4096 --run '
  set -e
  nbd-client -unix "$unixsocket" "$DEVICE" -N nullb0 -b 4096 >/dev/null 2>&1
  place=$(mktemp -d)
  trap "cd /; umount $place 2>/dev/null || :; nbd-client -d $DEVICE >/dev/null; rmdir $place" EXIT
  eval "mkfs.$type \$$type $DEVICE" >/dev/null
  mount -t "$type" -o "$options" "$DEVICE" "$place"
  sync -f "$place"
  [ -z "$RULE" ] || $TNULL faults nullb0 add $RULE
  $TNULL mark nullb0 begin
  cd "$place"
  eval "$command"'
