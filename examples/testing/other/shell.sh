#!/bin/sh
# A test in a shell: the daemon runs the command, tells it where the device is ($uri), and ends with its status.
# $TNULL: the program.
set -eu
export TNULL="${TNULL:-tnull}" FILE="$0"
$TNULL --log-level error --memory-backed size=64 -U - --run '
  $TNULL faults nullb0 add op=flush error=EIO || exit
  if nbdcopy --flush "$FILE" "$uri"; then echo "the flush has not failed"; exit 1; fi
  $TNULL faults nullb0 | grep flush
'
