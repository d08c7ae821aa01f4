#!/bin/bash
# Runs inside user-mode Linux: the kernel on devices that are slow, limited, zoned, or change their
# queues under load. It shows truth, not speed: how close the limits come is for the system tests.
set -uo pipefail
. "$(dirname "$0")/guest.sh"

make() { tnull create d poll_queues=0 "$@" --power-on && attach d; }
drop() { detach && tnull remove d; }
verify() {
  fio --name=v --filename=$device --direct=1 --ioengine=libaio --verify=crc32c --verify_fatal=1 "$@"
}
# What ext4 makes of it, end to end.
ext4_works() {
  mkfs.ext4 -q $device && mount $device "$m" && cp -r src "$m/" && forget &&
    diff -r src "$m/src" && umount "$m" && clean
}
# latency_us FLAGS...: mean completion latency of fio's reads.
latency_us() {
  fio --name=l --filename=$device --direct=1 --ioengine=libaio --rw=randread --bs=4k --runtime=1 \
    --time_based --output-format=json "$@" |
    node -p 'Math.round(JSON.parse(fs.readFileSync(0)).jobs[0].read.clat_ns.mean / 1000)'
}
# rate_kib FLAGS...: KiB a second, reads and writes together.
rate_kib() {
  fio --name=r --filename=$device --direct=1 --ioengine=libaio --runtime=3 --time_based \
    --output-format=json "$@" |
    node -p 'const [job] = JSON.parse(fs.readFileSync(0)).jobs; job.read.bw + job.write.bw'
}
between() { [ "$2" -ge "$1" ] && [ "$2" -le "$3" ] || { echo "$2 is not in $1..$3"; return 1; }; }

serve nr_devices=0 poll_queues=1 || die 'tnull does not start'

echo '# irqmode=2'
check 'a device is made that takes 2 ms' make size=64 memory_backed=1 irqmode=2 completion_nsec=2000000
us=$(latency_us --iodepth=1)
echo "# mean latency at depth 1: $us us"
check 'a request takes no less than 2 ms' between 2000 "$us" 31999
us=$(latency_us --iodepth=16)
echo "# mean latency at depth 16: $us us"
check 'sixteen wait together' between 2000 "$us" 31999
check 'fio verifies' verify --rw=randwrite --bs=16k --iodepth=16 --size=4M
check 'ext4 works on it' ext4_works
check 'it is removed' drop

echo '# mbps=10'
check 'a device is made that passes 10 MiB/s' make size=64 memory_backed=1 mbps=10
for row in '--rw=write --bs=127k --iodepth=4' '--rw=randrw --bs=16k --iodepth=16' '--rw=read --bs=256k --iodepth=4'; do
  # shellcheck disable=SC2086 # words
  rate=$(rate_kib $row)
  echo "# $row: $rate KiB/s"
  check "the rate is at most 10 MiB/s, within 5 %: $row" between 1024 "$rate" $((10240 * 105 / 100))
done
check 'ext4 works on it' ext4_works
check 'it is removed' drop

echo '# zones'
check 'a zoned device is made' make size=16 memory_backed=1 zoned=1 zone_size=4
check 'a zone is written in order' dd if=/dev/urandom of=$device bs=64k count=64 oflag=direct
check 'a full zone takes no more' fails_with 'Input/output error' \
  dd if=/dev/zero of=$device bs=64k count=1 oflag=direct
check 'a write behind the write pointer fails' fails_with 'Input/output error' \
  dd if=/dev/zero of=$device bs=64k seek=65 count=1 oflag=direct
check 'blkdiscard of the zone resets it' blkdiscard -f -o 0 -l 4M $device
check 'it is empty' bash -c "node bin/tnull.js zones d --count 1 --control $control | grep -w empty"
check 'it is written anew' dd if=/dev/urandom of=$device bs=1M count=4 oflag=direct
check 'it is removed' drop

# One virtual processor: one submit queue. A poll queue may come and go beside it.
echo '# queues'
check 'a device with four connections is made' \
  tnull create d size=64 memory_backed=1 irqmode=1 --power-on
check 'it is attached' attach d -b 4096 -C 4
# At 6 MiB a second it takes 8 s to write, whatever else the machine does; a command takes a tenth of that.
verify --rw=randwrite --bs=4k --iodepth=32 --size=48M --rate=6m >"$folder/verify" 2>&1 &
verifying=$!
for queues in 0 1 0 1; do
  check "poll_queues=$queues while fio writes" tnull set d "poll_queues=$queues"
done
check 'fio was still at it' kill -0 $verifying
wait $verifying
check 'fio found every block as written' test $? = 0
check 'it is removed' drop
check 'tnull ends with status 0, and met no bug' stop
verdict
