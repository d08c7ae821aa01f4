#!/bin/sh
# An LMDB environment after a power cut: all of it must be readable.
#
#   lmdb.sh FOLDER
#
# Status: 21 it is broken.
mdb_dump "$1" >/dev/null || exit 21
