#!/bin/bash
# Runs inside user-mode Linux: docs/kernel-recipes.md, every line of it, by recipes.kernel.ts.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

vitest run --config vitest.kernel.config.ts | tee "$folder/said"
read -r passed failed < <(vitest_counts "$folder/said")
verdict
