"""verifier.py URI SEED CONNECTIONS OPERATIONS DEPTH LENGTH REGION BLOCK

Each connection has a region of the device of its own, of which it knows each byte. It keeps DEPTH
requests in flight that touch none of the others' bytes: writes, zeroes and trims of up to LENGTH
bytes, in units of BLOCK, and reads that are compared. At the end all is read once more. Ends with a
line and status 1 at the first byte that differs, at an error, and when nothing is answered for 60 s.
"""
import math, random, sys, time
import nbd

uri, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
seed, connections, operations, depth, longest, region, block = numbers
chance = random.Random(seed)
noise = chance.randbytes(longest + 4096)
finished = [0]


def fail(text):
    print('seed %d: %s' % (seed, text))
    sys.exit(1)


class Client:
    def __init__(self, number):
        self.handle = nbd.NBD()
        self.handle.connect_uri(uri)
        self.base = number * region
        self.known = bytearray(self.handle.pread(region, self.base))
        self.busy = []
        self.kinds = ['read', 'write', 'zero'] + ['trim'] * self.handle.can_trim()
        self.limit = min(longest, self.handle.get_block_size(nbd.SIZE_MAXIMUM))

    def range(self):
        length = block * max(1, int(math.exp(chance.uniform(0, math.log(self.limit // block)))))
        start = block * chance.randrange((region - length) // block + 1)
        return start, length

    def free(self, start, length):
        return all(start + length <= at or at + size <= start for at, size in self.busy)

    def submit(self):
        start, length = self.range()
        if not self.free(start, length):
            return
        mine = (start, length)
        kind = chance.choice(self.kinds)
        buffer = data = None
        if kind == 'read':
            buffer = nbd.Buffer(length)
        elif kind == 'write':
            at = chance.randrange(4096)
            data = bytearray(noise[at:at + length])

        def done(error):
            if error:
                fail('%s of %d bytes at %d: error %d' % (kind, length, offset, error))
            if kind == 'read':
                self.compare(start, buffer.to_bytearray())
            else:
                # Whole blocks that are trimmed read as zeros here; parts of blocks would stay.
                self.known[start:start + length] = data or bytes(length)
            self.busy.remove(mine)
            finished[0] += 1
            return 1

        offset = self.base + start
        self.busy.append(mine)
        if kind == 'read':
            self.handle.aio_pread(buffer, offset, done)
        elif kind == 'write':
            self.handle.aio_pwrite(nbd.Buffer.from_bytearray(data), offset, done)
        elif kind == 'zero':
            self.handle.aio_zero(length, offset, done)
        else:
            self.handle.aio_trim(length, offset, done)

    def compare(self, start, data):
        if data == self.known[start:start + len(data)]:
            return
        at = next(i for i in range(len(data)) if data[i] != self.known[start + i])
        fail('byte %d is %d, not %d' % (self.base + start + at, data[at], self.known[start + at]))


clients = [Client(number) for number in range(connections)]
last, before = time.time(), 0
while finished[0] < operations:
    for client in clients:
        for _ in range(8):
            if len(client.busy) < depth:
                client.submit()
        client.handle.poll(0)
    if finished[0] != before:
        last, before = time.time(), finished[0]
    elif time.time() - last > 60:
        fail('nothing was answered for 60 s, with %d requests done' % before)
    else:
        chance.choice(clients).handle.poll(1)
for client in clients:
    while client.busy:
        client.handle.poll(-1)
    client.compare(0, client.handle.pread(region, client.base))
    client.handle.shutdown()
print('%d operations' % finished[0])
