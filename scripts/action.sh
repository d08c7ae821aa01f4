#!/bin/bash
# What action.yml does: starts tnull from this checkout for the steps behind, or stops it.
#
#   action.sh start|stop
set -euo pipefail
. "$(dirname "$0")/common.sh"

place=${RUNNER_TEMP:?set by the runner}/tnull

start() {
  local args ready
  mkdir -p "$place"
  if [ ! -e "$checkout/dist/bundle/main.js" ]; then
    (cd "$checkout" && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build)
  fi
  ln -sf "$checkout/bin/tnull.js" "$place/tnull"
  # Words, as a shell would split them.
  read -ra args <<<"${TNULL_ACTION_ARGS:-}"
  mkfifo "$place/ready"
  # Its end is that of the job, not that of this step.
  setsid node "$checkout/bin/tnull.js" serve --unix "$place/socket" --control "$place/control" \
    --fault-log "$place/faults.log" --pid-file "$place/pid" --ready-fd 3 "${args[@]}" \
    >/dev/null 2>"$place/daemon.log" 3>"$place/ready" &
  ready=$(cat "$place/ready")
  rm "$place/ready"
  [ -n "$ready" ] || { cat "$place/daemon.log" >&2; die 'tnull did not start'; }
  echo "$place" >>"${GITHUB_PATH:?set by the runner}"
  {
    echo "TNULL_CONTROL=$place/control"
    echo "TNULL_URI=$(node -p 'const { exports: [one] } = JSON.parse(process.argv[1]); one?.uris[0] ?? ""' "$ready")"
  } >>"${GITHUB_ENV:?set by the runner}"
}

stop() {
  local pid
  pid=$(cat "$place/pid" 2>/dev/null) || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  timeout 20 tail -f --pid="$pid" /dev/null || kill -KILL "$pid"
}

case ${1:-} in
  start | stop) "$1" ;;
  *) die 'start or stop' ;;
esac
