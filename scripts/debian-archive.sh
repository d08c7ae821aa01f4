# The Debian archive that this machine's apt already uses, asked for other suites than the machine's
# own; its lists and packages stay as they are. Sourced behind common.sh, never run.
# shellcheck shell=bash

# archive: its URI. Asking apt which addresses an update would fetch sees every form of source.
archive() {
  local release
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get --print-uris update 2>/dev/null |
    sed -nE "s#^'(.*)/dists/[^/']+/(In)?Release'.*#\1 &#p" |
    awk -v wanted="/dists/$release/" '
      $1 ~ /security/ { next }
      !any { any = $1 }
      index($0, wanted) && !found { found = $1 }
      END { print found ? found : any }'
}

keyring() {
  local file
  for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp} /etc/apt/trusted.gpg; do
    [ -s "$file" ] && { echo "$file"; return; }
  done
  return 1
}

# private_apt FOLDER TOOL ARGUMENTS...: an apt with lists, sources and cache in FOLDER, to which no
# package is installed. It needs no root.
private_apt() {
  local folder=$1 tool=$2
  shift 2
  "$tool" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/parts" \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$folder/preferences" \
    -o Dir::State="$folder" -o Dir::State::Lists="$folder/lists" -o Dir::State::status=/dev/null \
    -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=true \
    -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# private_lists FOLDER SUITE [URI [TYPES]]: fetches SUITE's package lists into FOLDER, with the signature
# checked. TYPES: deb (the default), or 'deb deb-src' for sources, too.
private_lists() {
  local folder=$1 suite=$2 uri=${3:-} types=${4:-deb} key
  command -v apt-get >/dev/null || die "needs apt-get, as Debian has it"
  [ -n "$uri" ] || uri=$(archive)
  [ -n "$uri" ] || die "apt's configuration names no Debian archive"
  key=$(keyring) || die "no keyring of Debian's archive: apt-get install debian-archive-keyring"
  mkdir -p "$folder"/{parts,preferences,lists/partial,cache/archives/partial}
  printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nSigned-By: %s\n' \
    "$types" "$uri" "$suite" "$(dpkg --print-architecture)" "$key" >"$folder/parts/archive.sources"
  private_apt "$folder" apt-get -qq --error-on=any update >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    die "the archive does not serve suite $suite, or its signature could not be checked (see above)"
  }
}
