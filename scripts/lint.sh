#!/bin/bash
# Everything that judges the sources without running them. Goes on after a failure.
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout" || exit 1
[ -x node_modules/.bin/tsc ] || die "run npm install first"

shell_syntax() {
  local file status=0
  while read -r file; do bash -n "$file" || status=1; done < <(shell_files)
  return $status
}
shell_files() { git ls-files --cached --others --exclude-standard '*.sh' .ci/run; }

check 'the sources type-check and build' npm run --silent build
check 'the tests type-check' tsc -p test --noEmit
check 'biome finds nothing' biome check --no-errors-on-unmatched .
check 'knip finds no unused file, export or dependency' knip --no-progress
check 'publint accepts tnull' publint run . --strict --pack npm
check 'publint accepts nbd-server-protocol-ts' publint run packages/nbd-server-protocol-ts --strict --pack npm
check 'no files import each other in a circle' node scripts/import-graph.js
check 'the generated documents are up to date' bash scripts/docs.sh --check
check 'the shell scripts parse' shell_syntax
if command -v shellcheck >/dev/null; then
  mapfile -t files < <(shell_files)
  check 'shellcheck finds nothing' shellcheck -x -S warning "${files[@]}"
fi
check 'the README names the test command that CI runs' grep -qF 'npm install && npm test' README.md
verdict
