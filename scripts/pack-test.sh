#!/bin/bash
# Packs both packages as they would be published, installs them into an empty folder, uses them.
#
#   pack-test.sh [MAJOR...]     with majors of Node: all that is installed, with each of them
set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$checkout" || exit 1
bash scripts/install-packages.sh system || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tarballs"
empty=$work/empty
version=$(node -p "require('./package.json').version")

# Not a word of a warning, even where a version of Node that a package does not know is an error.
install_alone() {
  local said
  npm init -y >/dev/null &&
    said=$(npm install --engine-strict --no-audit --no-fund "$work/tarballs/tnull-$version.tgz" 2>&1) &&
    echo "$said" && ! grep -iq warn <<<"$said" &&
    [ "$(ls node_modules)" = tnull ] && [ "$(npm ls --all --parseable | wc -l)" = 2 ]
}
has_licences() {
  grep -q '^fastify .* (MIT)$' node_modules/tnull/dist/vendor/LICENSES.txt &&
    grep -q '^pino .* (MIT)$' node_modules/tnull/dist/vendor/LICENSES.txt &&
    grep -q 'THE SOFTWARE IS PROVIDED' node_modules/tnull/dist/vendor/LICENSES.txt
}
# Every map that a file names is there, and so are the sources that it names.
maps_resolve() {
  ! grep -rl 'sourceMappingURL=[^ ]*\.map' node_modules/tnull/dist node_modules/tnull/bin
}
client_serves() {
  node --input-type=module -e "
    import { startDevice } from 'tnull';
    const disk = await startDevice({ size: 1, memory_backed: true });
    console.log(JSON.stringify((await disk.attributes()).size));
    await disk.stop();" | grep -qx 1
}
# Tests in Python and Go need no checkout.
has_other_clients() {
  local clients=$empty/node_modules/tnull/clients
  [ -s "$clients/python/README.md" ] && [ -s "$clients/python/pyproject.toml" ] && [ -s "$clients/go/tnulltest/go.mod" ] &&
    TNULL=$empty/node_modules/.bin/tnull PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$clients/python python3 -c "
import tnull
with tnull.Server() as server:
    print(server.create('disk', size=1).attributes()['size'])" | grep -qx 1
}
client_serves_commonjs() {
  node -e "
    require('tnull').startDevice({ size: 1 }).then(async (disk) => {
      await disk.stop();
      console.log(require('tnull/openapi.json').openapi);
    });" | grep -q '^3\.1'
}
# As modules, as a bundler sees them, and as CommonJS; the last also with a TypeScript that looks for `main`.
client_has_types() {
  local code="import { type Attributes, startDevice } from 'tnull';
const given: Attributes = { size: 64, memory_backed: true, journal_full: 'stop' };
export const disk = startDevice({ ...given, faults: [{ op: 'flush', nth: 3, error: 'EIO' }] });
export const names = disk.then(async (one) => (await one.faults.list()).rules.map(({ id }) => id.length));
// @ts-expect-error: no such attribute
export const wrong: Attributes = { sise: 64 };"
  npm install --no-audit --no-fund --loglevel=error "@types/node@20" "typescript5@npm:typescript@5.9.3" >/dev/null ||
    return 1
  echo "$code" >client.mts && echo "$code" >client.cts && echo "$code" >client.ts
  tsc --noEmit --strict --target es2023 --module nodenext client.mts client.cts &&
    tsc --noEmit --strict --target es2023 --module preserve --moduleResolution bundler client.ts &&
    node node_modules/typescript5/bin/tsc --noEmit --strict --exactOptionalPropertyTypes --target es2023 \
      --module commonjs --moduleResolution node10 client.ts
}
install_tarballs() { npm install --no-audit --no-fund --loglevel=error "$work"/tarballs/nbd-*.tgz; }
says_version() { [ "$(npx --no-install tnull --version)" = "$version" ]; }
serves_page() {
  local bytes
  # shellcheck disable=SC2016 # the words of --run
  bytes=$(npx --no-install tnull -U - size=1 --http 127.0.0.1:0 --run '
    url=$(npx --no-install tnull page) && curl -sSf "${url}page.css" "${url}page.js" | wc -c' | tail -n 1)
  [ "$bytes" -gt 50000 ] && [ "$bytes" -lt 120000 ]
}
library_loads() {
  node --input-type=module -e "
    import { RequestHeader, decodeRequest } from 'nbd-server-protocol-ts';
    const view = new DataView(Uint8Array.from(
      Buffer.from('2560951300000000000000000000000700000000000010000000' + '0200', 'hex')).buffer);
    const header = new RequestHeader();
    if (decodeRequest(view, 0, 28, header) !== 1) throw new Error('not decoded');
    if (header.offset !== 4096 || header.length !== 512 || header.cookieLow !== 7) throw header;"
}
library_connects() {
  node --input-type=module -e "
    import { ClientConnection, ServerConnection } from 'nbd-server-protocol-ts';
    const server = new ServerConnection({
      exports: [{ name: 'disk', size: 512 }],
      read: ({ length }) => new Uint8Array(length).fill(7),
      send: (bytes) => client.receive(bytes),
      close: () => {},
    });
    const client = new ClientConnection({ send: (bytes) => server.receive(bytes) });
    const data = await client.read(0, 2);
    if (data.join() !== '7,7') throw new Error('read ' + data.join());"
}
# What maps and comments name is in the package.
library_is_whole() {
  local home=node_modules/nbd-server-protocol-ts
  node -e "
    const { existsSync, readdirSync, readFileSync } = require('node:fs');
    const { join } = require('node:path');
    const maps = readdirSync('$home/dist').filter((name) => name.endsWith('.map'));
    if (maps.length < 50) throw new Error(maps.length + ' maps');
    for (const map of maps) {
      for (const source of JSON.parse(readFileSync(join('$home/dist', map), 'utf8')).sources) {
        if (!existsSync(join('$home/dist', source))) throw new Error(map + ' leads to ' + source);
      }
    }" && [ -s "$home/docs/nbd-protocol.md" ] && [ -s "$home/CHANGELOG.md" ]
}
library_has_types() {
  echo "import { parseNbdUri } from 'nbd-server-protocol-ts';
export const name: string = parseNbdUri('nbd://127.0.0.1/nullb0').exportName;
// @ts-expect-error: the types are there, so a wrong one is noticed
export const wrong: number = parseNbdUri('nbd://127.0.0.1/nullb0').exportName;" >consumer.ts
  tsc --noEmit --strict --module nodenext --types '' consumer.ts
}
serves() {
  local size
  size=$(npx --no-install tnull --memory-backed gb=1 "$@" -U - --run 'nbdinfo --size "$uri"' | tail -n 1)
  [ "$size" = 1073741824 ] || { echo "nbdinfo says '$size'"; return 1; }
}
finds_nobody() {
  local said
  said=$(npx --no-install tnull ls --control "$work/none" 2>&1)
  [[ $? = 1 && $said == "tnull: no daemon at $work/none"* ]]
}
# In a root of its own, so that this machine stays as it is.
deb_installs() {
  mkdir -p "$work/deb/var/lib/dpkg"/{info,updates} && touch "$work/deb/var/lib/dpkg/status" &&
    dpkg --root="$work/deb" --force-not-root --force-script-chrootless -i "$work/tarballs/tnull_${version}_all.deb" &&
    [ "$("$work/deb/usr/bin/tnull" --version)" = "$version" ] &&
    [ "$("$work/deb/usr/bin/tnull" size=8 -U - --run 'nbdinfo --size "$uri"' 2>/dev/null | tail -n 1)" = 8388608 ] &&
    man -l "$work/deb/usr/share/man/man1/tnull.1.gz" | grep -q null_blk &&
    grep -q 'fastify .* (MIT)' "$work/deb/usr/share/doc/tnull/copyright"
}
deb_goes() {
  dpkg --root="$work/deb" --force-not-root --force-script-chrootless -P tnull &&
    [ -z "$(find "$work/deb" -name '*tnull*' -not -path '*/var/lib/dpkg/*')" ]
}
action_works() {
  local uri
  mkdir "$work/action"
  export RUNNER_TEMP=$work/action GITHUB_PATH=$work/action/path GITHUB_ENV=$work/action/env
  TNULL_ACTION_ARGS='size=8 memory_backed=1' bash "$checkout/scripts/action.sh" start || return 1
  uri=$(sed -n 's/^TNULL_URI=//p' "$GITHUB_ENV")
  [ "$(nbdinfo --size "$uri")" = 8388608 ] &&
    env $(cat "$GITHUB_ENV") "PATH=$(cat "$GITHUB_PATH"):$PATH" tnull ls | grep -q nullb0 &&
    bash "$checkout/scripts/action.sh" stop && ! nbdinfo --size "$uri" 2>/dev/null && [ -e "$work/action/tnull/faults.log" ]
}
action_says_why() {
  local said
  rm -rf "$work/action/tnull"
  said=$(TNULL_ACTION_ARGS='sise=8' bash "$checkout/scripts/action.sh" start 2>&1)
  [[ $? = 1 && $said == *"sise"* ]]
}
packaging_packed() {
  local listed one
  listed=$(tar tzf "$work/tarballs/tnull-$version.tgz")
  for one in man/tnull.1 systemd/tnull.{service,socket} completions/{tnull.bash,_tnull,tnull.fish} \
    grafana/tnull.json prometheus/alerts.yml; do
    grep -qx "package/packaging/$one" <<<"$listed" || { echo "without $one"; return 1; }
  done
}
# Alone: the library is in its bundle.
has_man_page() {
  npm install --global --prefix "$work/prefix" --no-audit --no-fund --loglevel=error \
    "$work"/tarballs/tnull-"$version".tgz && [ -e "$work/prefix/share/man/man1/tnull.1" ] &&
    [ "$("$work/prefix/bin/tnull" --version)" = "$version" ]
}
# Neither warnings of yarn 1 (workspaces) nor trees that only a checkout needs.
manifest_is_for_users() {
  tar xzOf "$work/tarballs/tnull-$version.tgz" package/package.json | node -e "
    const packed = JSON.parse(require('node:fs').readFileSync(0));
    const ours = require('./package.json');
    for (const field of ['workspaces', 'devDependencies', 'overrides']) {
      if (field in packed || !(field in ours)) throw new Error(field);
      delete ours[field];
    }
    require('node:assert').deepStrictEqual(packed, ours);"
}
# What npm would pack, and nothing else.
nothing_lost() {
  npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null &&
    diff <(tar tzf "$work/tnull-$version.tgz" | sort) <(tar tzf "$work/tarballs/tnull-$version.tgz" | sort)
}
no_sources_packed() {
  ! tar tzf "$work/tarballs/tnull-$version.tgz" | grep -E '^package/(test|bench|scripts|src|\.ci|node_modules|dist/cli)/'
}

# Links that lead nowhere and types that are not exported are warnings, which typedoc.json makes errors.
api_reference() {
  npm run --silent docs --workspace nbd-server-protocol-ts -- --out "$work/api" &&
    [ -s "$work/api/index.html" ] && [ -s "$work/api/classes/ServerConnection.html" ]
}

# What is promised for every version of Node: here for the version $1, in a folder of its own.
on_node() (
  PATH=$(other_node "$1"):$PATH
  mkdir "$work/node$1" && cd "$work/node$1" && node --version | grep "^v$1\." && install_alone || exit
  [ "$(node --input-type=module -e "
    import { execFileSync } from 'node:child_process';
    import { createRequire } from 'node:module';
    import { startDevice } from 'tnull';
    for (const one of [startDevice, createRequire(process.cwd() + '/')('tnull').startDevice]) {
      const disk = await one({ size: 1, memory_backed: true });
      process.stdout.write(execFileSync('nbdinfo', ['--size', disk.uri]));
      await disk.stop();
    }")" = $'1048576\n1048576' ]
)

packs() {
  check 'tnull packs' bash scripts/pack.sh "$work/tarballs"
  check 'nbd-server-protocol-ts packs' \
    npm pack --silent --workspace nbd-server-protocol-ts --pack-destination "$work/tarballs"
}

packages() {
  check 'the API reference builds without a warning' api_reference
  check 'the tarball holds neither tests nor sources' no_sources_packed
  check 'the tarball holds units, completions and the man page' packaging_packed
  check 'the Debian package is made' bash scripts/deb.sh "$work/tarballs"
  check 'it installs, serves, and has its man page and licences' deb_installs
  check 'it goes without a trace' deb_goes
  check 'the action starts a daemon for the steps behind, and stops it' action_works
  check 'and says why it does not start' action_says_why
  check 'its package.json is for those who install it' manifest_is_for_users
  check 'it holds what npm packs' nothing_lost
}

# In an empty folder.
installed() {
  mkdir "$empty" && cd "$empty" || exit 1
  check 'tnull installs alone into an empty folder, with engine-strict and without a warning' install_alone
  check 'it holds the licences of what is packed' has_licences
  check 'its files name no maps that are missing' maps_resolve
  check 'import serves a device' client_serves
  check 'require does so, too' client_serves_commonjs
  check 'the clients for Python and Go are in it' has_other_clients
  check 'its types are there for modules, bundlers and CommonJS' client_has_types
  check 'nbd-server-protocol-ts installs beside it' install_tarballs
  check "the installed tnull says version $version" says_version
  check 'the installed library decodes a request' library_loads
  check 'the installed library connects a client to a server' library_connects
  check 'the installed library has all that its maps and comments name' library_is_whole
  check 'the installed library brings its types' library_has_types
  check 'installed for all users it brings its man page' has_man_page
  check 'the installed tnull serves nbdinfo through --run' serves
  check 'and with threads for sockets' serves --threads 2
  check 'it serves its page' serves_page
  check 'a command finds nobody to talk to' finds_nobody
  cd "$checkout" || exit 1
}

# Those that package.json promises. They come from npm, meanwhile.
versions=()
[ $# -gt 0 ] || versions=(20.19 22 24 26)
for one in "${versions[@]}"; do other_node "$one" >/dev/null & done
packs
if [ $# = 0 ]; then
  packages
  installed
fi
wait
for one in "${versions[@]}"; do
  check "Node $one: it installs with engine-strict, is imported and required, and serves" on_node "$one"
done
for major; do
  PATH=$(other_node "$major"):$PATH
  empty=$work/empty$major
  check "this is Node $major" eval "node --version | grep '^v$major\.'"
  installed
done
verdict
