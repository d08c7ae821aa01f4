#!/bin/bash
# The public test programs against tnull and, beside it, nbdkit, qemu-nbd and nbd-server on the same
# machine: libnbd's own tests (Debian 12's and 13's) and nbd-tester-client. Prints a table and fails
# when tnull fails a test that it is not known to fail (scripts/conformance/expected.txt).
#
#   test-conformance.sh [--servers "tnull nbdkit"] [--suites "trixie bookworm"] [--only WORD]
#     [--tnull-flags "FLAGS AND WORDS"]    for every tnull that is started
#     [--keep DIR]                         where logs, results.tsv and table.md go
#     [--table "RESULTS.tsv ..."]          runs nothing: one table of runs before
#
# A test counts only if it asked for a server. Results: ok, FAIL, time (it hung for 60 s), expected (it
# failed, as expected.txt says), n/a (the stand-in cannot have the server do what the test asks for), skip
# (the test's own decision).
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout" || exit 1
chosen='tnull nbdkit qemu-nbd nbd-server' suites='trixie bookworm' only='' table=''
keep=$checkout/.cache/conformance-results
export CONFORMANCE_TNULL_FLAGS=''
while [ $# -gt 0 ]; do
  case $1 in
    --servers) chosen=$2 ;;
    --suites) suites=$2 ;;
    --only) only=$2 ;;
    --keep) keep=$2 ;;
    --tnull-flags) CONFORMANCE_TNULL_FLAGS=$2 ;;
    --table) table=$2 ;;
    *) die "unknown: $1" ;;
  esac
  shift 2
done
mkdir -p "$keep/logs"
judge() { node scripts/conformance/table.js "$keep/table.md" "$@"; }
if [ -n "$table" ]; then
  read -ra table <<<"$table"
  judge "${table[@]}"
  exit
fi
bash scripts/install-packages.sh system || exit 1
bash scripts/conformance/get.sh || exit 1
npm run --silent build || exit 1
. scripts/conformance/servers.sh
export CONFORMANCE_HOME=$checkout/scripts/conformance
results=$keep/results.tsv
: >"$results"
work=$(mktemp -d /tmp/conformance.XXXXXX)
trap 'rm -rf "$work"' EXIT
export CONFORMANCE_NOTES=$work/notes

# wanted LOG: what a test that skipped itself says was missing.
wanted() {
  grep -aE '^(requires|skip|[^+].*(failed with error code|skipp|Error:))' "$1" |
    grep -v 'Test skipped because' | tail -n 1 | sed 's#/tmp/[^ ]*/##g'
}

# record GROUP TEST SERVER STATUS LOG: what came of it, from the exit status and the stand-in's notes.
record() {
  local group=$1 test=$2 server=$3 status=$4 result why=''
  case $status in
    0) result=ok ;;
    77) result=skip why=$(wanted "$5") ;;
    124 | 137) result=time ;;
    *) result=FAIL ;;
  esac
  if [ "$result" != ok ] && grep -q '^unsupported' "$CONFORMANCE_NOTES"; then
    result=n/a why=$(sed -n 's/^unsupported //p' "$CONFORMANCE_NOTES" | head -n 1)
  elif grep -q '^no start' "$CONFORMANCE_NOTES"; then
    result=FAIL why=$(grep '^no start' "$CONFORMANCE_NOTES" | head -n 1)
  elif grep -q '^rounded [^0]' "$CONFORMANCE_NOTES"; then
    why="size $(grep '^rounded [^0]' "$CONFORMANCE_NOTES" | tail -n 1)"
  fi
  printf '%s\t%s\t%s\t%s\t%s\n' "$group" "$test" "$server" "$result" "${why//$'\t'/ }" >>"$results"
  printf '%-14s %-44s %-10s %s %s\n' "$group" "$test" "$server" "$result" "${why:0:80}"
}

# run_one LOG COMMAND...: in a session of its own, of which nothing is left afterwards.
run_one() {
  local log=$1 status leader
  shift
  : >"$CONFORMANCE_NOTES"
  setsid timeout -k 5 60 "$@" </dev/null >"$log" 2>&1 8>&- &
  leader=$!
  wait $leader
  status=$?
  kill -KILL -- "-$leader" 2>/dev/null
  cat "$CONFORMANCE_NOTES" >>"$log"
  return $status
}

# libnbd's tests write files of fixed names beside them, so a tree has one run at a time.
alone() {
  exec 8>"$conformance/$1.lock"
  flock -n 8 || {
    say "another run uses $conformance/$1: waiting for its end"
    flock 8
  }
}

libnbd_tests() {
  local suite=$1 server=$2 folder tree=$conformance/libnbd-$1 test name log status
  export CONFORMANCE_SERVER=$server CONFORMANCE_SUITE=trixie
  alone "libnbd-$suite"
  for folder in tests interop copy info dump sh; do
    # shellcheck disable=SC2016 # make's own variable
    for test in $(make -s -C "$tree/$folder" -f Makefile --eval='p: ; @echo $(TESTS)' p); do
      [[ $test == *$only* ]] || continue
      name=$folder/${test%.sh}
      log=$keep/logs/libnbd-$suite-$server-${name//\//-}
      export CONFORMANCE_TEST=$test
      run_one "$log" env -C "$tree/$folder" PATH="$conformance/bin:$PATH" srcdir=. abs_srcdir="$tree/$folder" abs_top_srcdir="$tree" \
        PSKTOOL=psktool QEMU_NBD="$conformance/bin/qemu-nbd" LIBNBD_DEBUG=1 ../run "./$test"
      status=$?
      # A test that wants a program that is not here never gets so far as to ask.
      [ "$status" = 77 ] || grep -q '^asked' "$CONFORMANCE_NOTES" || continue
      record "libnbd-$suite" "$name" "$server" "$status" "$log"
    done
  done
}

# tester NAME SERVER SIZE READONLY ARGS...: nbd-tester-client against an export of `size` bytes.
tester() {
  local name=$1 server=$2 log
  [[ $name == *$only* ]] || return 0
  log=$keep/logs/nbd-$server-$name
  run_one "$log" bash scripts/conformance/tester.sh "$@"
  record nbd-3.26 "$name" "$server" $? "$log"
}

nbd_tests() {
  local server=$1 mebibyte=1048576 traces=$conformance/nbd-trixie/tests/run
  local keys=$traces/certs
  local client=(-C "$keys/client-cert.pem" -K "$keys/client-key.pem" -A "$keys/ca-cert.pem" -H localhost)
  export CONFORMANCE_SUITE=trixie
  tester cfg1 "$server" $((4 * mebibyte)) 0
  tester cfgsize "$server" $((4 * mebibyte)) 0 -o
  tester write "$server" $((4 * mebibyte)) 0 -w
  tester flush "$server" $((4 * mebibyte)) 0 -w -f FLUSH
  tester rowrite "$server" $((4 * mebibyte)) 1 -w -F
  tester unix "$server" $((4 * mebibyte)) 0 -u
  tester list "$server" $((4 * mebibyte)) 0 LIST
  tester handshake "$server" $((4 * mebibyte)) 0 -h
  tester integrity "$server" $((50 * mebibyte)) 0 -i -t "$traces/integrity-test.tr" FLUSH
  tester integrityhuge "$server" $((50 * mebibyte)) 0 -i -t "$traces/integrityhuge-test.tr" FLUSH
  tester tls "$server" $((50 * mebibyte)) 0 -i -t "$traces/integrity-test.tr" "${client[@]}" TLS FLUSH
  tester tlshuge "$server" $((50 * mebibyte)) 0 -i -t "$traces/integrityhuge-test.tr" "${client[@]}" TLS FLUSH
  tester tlswrongcert "$server" $((4 * mebibyte)) 0 -F -t "$traces/integrity-test.tr" \
    -C "$keys/selfsigned-cert.pem" -K "$keys/selfsigned-key.pem" TLS
}

for server in $chosen; do
  for suite in $suites; do libnbd_tests "$suite" "$server"; done
  nbd_tests "$server"
done

judge "$results"
