#!/bin/bash
# Runs inside user-mode Linux: power cuts. `tnull set DEVICE power=0` under a running kernel loses the
# volatile cache, as pulling the plug does; what was flushed, or written with FUA, must be there after.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

# The kernel waits for ever for the answer to a request that it sent into the closing socket; detaching
# ends that wait. (nbd-client -timeout would, too.)
cut_power() { tnull set d power=0 && detach; }
power_on() { tnull set d power=1 && attach d; }
# Without load there is no such request: the kernel must see by itself that the disk is gone.
cut_idle_power() { tnull set d power=0 && gone && detach; }
gone() {
  for _ in $(seq 50); do
    dd if=$device of=/dev/null bs=4k count=1 iflag=direct status=none 2>/dev/null || return 0
    sleep 0.1
  done
  echo 'the kernel still reads the device'
  return 1
}
held() { tnull stats d --json | node -p 'JSON.parse(fs.readFileSync(0)).d.cache.usedBytes / 4096'; }
flushes() { operations d flush; }

# put CHARACTER BLOCK FLAGS: a block of 4096 full of the character, by direct I/O.
put() { head -c 4096 /dev/zero | tr '\0' "$1" | dd of="$device" bs=4k seek="$2" "$3" iflag=fullblock status=none; }
holds() {
  local said
  said=$(dd if=$device bs=4k skip="$2" count=1 iflag=direct status=none | tr '\0' '.' | fold -w 4096 | sort -u | cut -c 1)
  [ "$said" = "$1" ] || { echo "block $2 holds '$said'"; return 1; }
}
same() { [ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }; }

# The device's own flush, not that of a file system.
flush() { dd if=/dev/null of=$device conv=notrunc,fsync status=none; }

blocks() {
  echo "# the device alone, $1"
  check "a device with a cache is made, $1" tnull create d size=128 memory_backed=1 cache_size=64 "$1" --power-on
  check 'it is attached' attach d
  check 'block 1 is written and flushed' put A 1 oflag=direct
  check 'a flush empties the cache' flush
  check 'it holds nothing' same "$(held)" 0
  check 'block 2 is written, no flush' put B 2 oflag=direct
  check 'block 1 is written again, no flush' put C 1 oflag=direct
  check 'both are in the cache' same "$(held)" 2
  check 'they read back: block 1' holds C 1
  check 'they read back: block 2' holds B 2
  before=$(flushes)
  check 'the power is cut' cut_idle_power
  check 'it comes back' power_on
  check 'block 1 is as it was flushed' holds A 1
  check 'block 2 was never written' holds . 2
  check 'block 3 is written with O_DSYNC' put D 3 oflag=direct,dsync
  check 'the power is cut' cut_idle_power
  check 'it comes back' power_on
  check 'block 3 is there' holds D 3
  check 'it is detached' detach
  check 'it is removed' tnull remove d
}

# The mounted file system meets a power cut, and its journal is replayed.
cut_and_replay() { cut_power && replay; }
replay() {
  umount "$m" && power_on &&
    { dumpe2fs -h $device 2>/dev/null | grep needs_recovery || echo 'no journal to replay'; } &&
    mount $device "$m"
}
# An overwrite in place by O_DIRECT and O_DSYNC is what the kernel does with FUA alone, if it can.
overwrite() {
  local before=$(flushes)
  tr '\0' Y </dev/zero | dd of="$m/A" bs=4k seek=7 count=1 iflag=fullblock oflag=direct,dsync conv=notrunc status=none
  tr '\0' Y </dev/zero | dd of="$folder/A" bs=4k seek=7 count=1 iflag=fullblock conv=notrunc status=none
  same "$(($(flushes) - before))" "$1"
}

# Everything at once: the kernel's thread that else does the rest in the first seconds sends a flush.
make_ext4() { mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $device; }

ext4() {
  echo "# ext4, data=ordered, $1"
  check "a device with a cache is made, $1" tnull create d size=256 memory_backed=1 cache_size=128 "$1" --power-on
  check 'it is attached' attach d -b 4096
  check 'mkfs.ext4 makes a file system' make_ext4
  check 'it is mounted' mount -o data=ordered,commit=300 $device "$m"
  check 'a tree is copied and synced' bash -c "cp -r src '$m/' && sync -f '$m'"
  head -c 4194304 /dev/urandom >"$folder/A"
  check 'A is written and synced' dd if="$folder/A" of="$m/A" bs=64k conv=fsync
  check "an overwrite with O_DSYNC takes $2 flushes" overwrite "$2"
  check 'B is written to the device, not flushed' dd if=/dev/urandom of="$m/B" bs=64k count=64 oflag=direct
  check 'C stays in the page cache' dd if=/dev/urandom of="$m/C" bs=64k count=8
  echo "# in the volatile cache: $(held) pages"
  check 'the cache holds B at least' test "$(held)" -ge 1024
  check 'the power is cut, and the journal replayed' cut_and_replay
  check 'A is whole' cmp "$folder/A" "$m/A"
  check 'the tree is whole' diff -r src "$m/src"
  check 'B and C are as if they had never been' same "$(ls "$m")" $'A\nlost+found\nsrc'
  check 'it is unmounted' umount "$m"
  check 'fsck finds nothing' clean
  check 'it is detached' detach
  check 'it is removed' tnull remove d
}

# The proof that the cut is real: a file system that does not flush loses what it called safe.
without_barriers() {
  echo '# ext4 that sends no flushes'
  check 'a device with a cache is made' tnull create d size=256 memory_backed=1 cache_size=128 --power-on
  check 'it is attached' attach d
  check 'mkfs.ext4 makes a file system' make_ext4
  check 'it is mounted' mount -o barrier=0 $device "$m"
  check 'A is written and synced, it believes' dd if="$folder/A" of="$m/A" bs=64k conv=fsync
  check 'the power is cut' cut_and_replay
  check 'A is lost' not cmp "$folder/A" "$m/A"
  check 'it is unmounted' umount "$m"
  check 'it is detached' detach
  check 'it is removed' tnull remove d
}

# Appends numbered lines, each synced, until the disk is gone; says which were.
writer='const f = fs.openSync(process.argv[1] + "/lines", "a");
  for (let i = 0; ; i++) {
    fs.writeSync(f, `${i}\n`);
    fs.fsyncSync(f);
    process.stdout.write(`${i}\n`);
  }'
load() {
  rm -rf "$m/lines" "$m/copy"
  sync -f "$m"
  node -e "$writer" "$m" >"$folder/acknowledged" 2>/dev/null &
  local writing=$!
  (while cp -r src "$m/copy" && rm -r "$m/copy"; do :; done) 2>/dev/null &
  local copying=$!
  until [ "$(tail -n 1 "$folder/acknowledged")" -ge "$1" ] 2>/dev/null; do
    kill -0 $writing 2>/dev/null || return 1
    sleep 0.05
  done
  cut_power
  wait $writing $copying
  return 0
}
lines_are_there() {
  local lines
  lines=$(wc -l <"$folder/acknowledged")
  echo "# acknowledged: $lines lines, there: $(wc -l <"$m/lines")" >&3
  [ "$lines" -gt 0 ] && cmp -n "$(stat -c %s "$folder/acknowledged")" "$folder/acknowledged" "$m/lines"
}

under_load() {
  echo "# ext4 under load, $1"
  check "a device is made, $1" tnull create d size=256 memory_backed=1 "$1" --power-on
  check 'it is attached' attach d
  check 'mkfs.ext4 makes a file system' make_ext4
  check 'it is mounted' mount $device "$m"
  for count in 50 20; do
    check 'the power is cut under load' load "$count"
    check 'the journal is replayed' replay
    check 'every line that was synced is there' lines_are_there
    check 'it is unmounted' umount "$m"
    check 'fsck finds nothing' clean
    check 'it is mounted again' mount $device "$m"
  done
  check 'it is unmounted' umount "$m"
  check 'it is detached' detach
  check 'it is removed' tnull remove d
}

exec 3>&1
serve nr_devices=0 || die 'tnull does not start'
blocks fua=1
blocks fua=0
ext4 fua=1 0
ext4 fua=0 1
without_barriers
under_load cache_size=1
under_load cache_size=64
check 'tnull ends with status 0, and met no bug' stop
verdict
