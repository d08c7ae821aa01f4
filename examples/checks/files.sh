#!/bin/sh
# Files after a power cut: a mark `SHA256  NAME`, as sha256sum writes it, says that the file is safe from then on.
# It runs where the files are.
#
# Status: 22 a file is not what the mark says.
grep -E '^[0-9a-f]{64}  ' "$TNULL_CRASH_MARKS" | sha256sum --check --quiet --strict 2>&1 && exit 0
grep -qE '^[0-9a-f]{64}  ' "$TNULL_CRASH_MARKS" || exit 0
exit 22
