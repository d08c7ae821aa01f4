#!/bin/bash
# Runs the Dockerfile's own steps in an empty folder, without a Docker engine, and starts the result
# as the image would: as an unprivileged user, as process 1, on its own network, with its CMD.
#
# Each stage is a folder that stands for the image's root. What it cannot show: the base images
# themselves (the node of this machine stands for theirs). An instruction that it does not know is
# an error, so that the Dockerfile cannot grow past it unnoticed.
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout" || exit 1
[ "$(id -u)" = 0 ] || die "needs root, to become another user and to make a network of its own"
bash scripts/install-packages.sh || exit 1

work=$(mktemp -d)
chmod 755 "$work"
server=
finish() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT

# The build context as .dockerignore leaves it. Known forms: `*`, `!path`, `**/name`.
make_context() {
  local line
  mkdir "$work/context"
  while read -r line; do
    case $line in
      '' | '#'* | '*') ;;
      '!'*) cp -a --parents "${line#!}" "$work/context" || return 1 ;;
      '**/'*) find "$work/context" -name "${line#\*\*/}" -prune -exec rm -rf {} + ;;
      *) echo "unknown line in .dockerignore: $line" && return 1 ;;
    esac
  done <.dockerignore
}

# copy ROOT FOLDER [--from=STAGE] SOURCE... TARGET: as COPY does, folders by their contents.
copy() {
  local root=$1 folder=$2 from=$work/context source target
  shift 2
  case $1 in --from=*) from=$work/${1#--from=} && shift ;; esac
  target=${*: -1}
  [[ $target == /* ]] && target=$root$target || target=$root$folder/$target
  [[ $# -le 2 && -f $from/$1 ]] || mkdir -p "$target"
  mkdir -p "$(dirname "$target")"
  for source in "${@:1:$#-1}"; do
    if [ -d "$from/$source" ]; then cp -a "$from/$source/." "$target/"; else cp -a "$from/$source" "$target"; fi ||
      return 1
  done
}

# One instruction after the other; what the image's start needs stays in the variables.
root='' folder=/ user=root entrypoint='' command='' health='' stages=0
environment=()
instruction() {
  local word=$1 rest=$2
  case $word in
    FROM)
      stages=$((stages + 1)) folder=/ user=root
      root=$work/stage$stages
      [[ $rest =~ \ AS\ (.+)$ ]] && root=$work/${BASH_REMATCH[1]}
      [[ $rest == *node:20-* ]] || echo "not on node:20: $rest"
      mkdir "$root"
      ;;
    WORKDIR) folder=$rest && mkdir -p "$root$folder" ;;
    COPY)
      # shellcheck disable=SC2086 # the words of the instruction
      check "COPY $rest" copy "$root" "$folder" $rest
      ;;
    RUN) check "RUN ${rest%% \&\&*}" env -C "$root$folder" sh -c "$rest" ;;
    ENV) environment+=("$rest") ;;
    USER) user=$rest ;;
    ENTRYPOINT) entrypoint=$rest ;;
    CMD) command=$rest ;;
    HEALTHCHECK) health=${rest#*CMD } ;;
    EXPOSE | STOPSIGNAL) ;;
    *) not_ok "the Dockerfile's instruction $word is known" ;;
  esac
}

read_dockerfile() {
  local line whole=
  while IFS= read -r line; do
    [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
    whole+=${line%\\}
    [[ $line == *\\ ]] && continue
    instruction "${whole%% *}" "${whole#* }"
    whole=
  done <Dockerfile
}

words() { node -p 'JSON.parse(process.argv[1]).join("\n")' "$1"; }

start() {
  local line argv=()
  while read -r line; do argv+=("${line/#\/app\//$root/app/}"); done < <(words "$entrypoint" && words "$command")
  # shellcheck disable=SC2016 # the inner shell's own words
  env -C "$root$folder" "${environment[@]}" "PATH=$root/usr/local/bin:$PATH" unshare --net --pid --fork --kill-child \
    sh -c 'ip link set lo up && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' sh "${argv[@]}" \
    >"$work/stdout" 2>"$work/stderr" </dev/null &
  server=$!
}
is_ready() {
  for _ in $(seq 100); do
    grep -q '^nbd://.* bytes$' "$work/stdout" && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/stdout" "$work/stderr"
  return 1
}
is_unprivileged() { [ "$(awk '/^Uid:/ { print $2 }' "/proc/$child/status")" = 65534 ]; }
is_process_1() { [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$child/status")" = 1 ]; }
answers() {
  local uri='nbd://127.0.0.1:10809/nullb0'
  nsenter --net="/proc/$child/ns/net" nbdinfo "$uri" &&
    nsenter --net="/proc/$child/ns/net" qemu-io -f raw -c 'write -P 7 512 64k' -c 'read -P 7 512 64k' "$uri" |
    tee /dev/stderr | grep -q '^read 65536/65536'
}
# The control socket is in its /tmp, which is that of this machine here.
is_healthy() {
  local argv
  mapfile -t argv < <(words "$health")
  [ "${#argv[@]}" -gt 0 ] || { echo 'no HEALTHCHECK'; return 1; }
  env "PATH=$root/usr/local/bin:$PATH" setpriv --reuid=65534 --regid=65534 --clear-groups "${argv[@]}"
}
is_ill() { ! is_healthy; }
stops() {
  local status
  kill -TERM "$child"
  timeout 10 tail -f --pid="$server" /dev/null
  wait "$server"
  status=$?
  server=
  cat "$work/stderr"
  return $status
}
lean() { ! ls -d "$root"/app/{src,test,node_modules} 2>/dev/null; }

check 'the build context is what .dockerignore leaves' make_context
read_dockerfile
check 'the last stage names a user other than root' [ "$user" != root ]
check 'the last stage holds no development dependency' lean
echo "size of $folder: $(du -sh "$root$folder" | cut -f 1)"
start
check 'the image starts with its own CMD' is_ready
child=$(pgrep -P "$server" | head -n 1)
check 'it runs as an unprivileged user' is_unprivileged
check 'it is process 1' is_process_1
check 'nbdinfo and qemu-io use it on port 10809' answers
check 'its health check succeeds while it serves' is_healthy
check 'SIGTERM ends it with status 0' stops
check 'and fails behind that' is_ill
verdict
