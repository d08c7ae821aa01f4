/* The latency of reads as the server causes it: a client that never sleeps, so that the time its own
 * kernel takes to wake it is no part of what it measures. fio's engine sleeps. All replies that one
 * read() brings have one time of arrival; the requests that follow them leave in one write().
 *
 *   cc -O2 -o spin spin.c && ./spin SOCKET|PORT EXPORT DEPTH BYTES MILLISECONDS
 *
 * prints `ready` when the first replies are there, and at the end, or at SIGTERM, what the reads since
 * then took, in microseconds: reads=N min=N p50=N p99=N p999=N max=N. SIGUSR1 makes it forget the reads
 * that have ended by then.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { GREETING_BYTES = 18, EXPORT_BYTES = 10, REPLY_BYTES = 16, REQUEST_BYTES = 28 };
enum { BUFFER_BYTES = 64 << 10, DEPTH_MAX = 1024, SAMPLES_MAX = 1 << 23, RANGE_MAX = 64 << 20 };

static volatile sig_atomic_t stopped, forgets;
static uint64_t places; /* blocks to choose from */
static uint32_t block;

static void stop(int signal) { stopped = signal; }
static void forget(int signal) { forgets = signal; }

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void fail(const char *why) {
  fprintf(stderr, "spin: %s\n", why);
  exit(1);
}

static int attach(const char *address) {
  char *end;
  long port = strtol(address, &end, 10);
  int fd, failed;
  if (*end == 0) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    failed = connect(fd, (void *)&to, sizeof to);
  } else {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(address) >= sizeof to.sun_path) fail("the socket's name is too long");
    strcpy(to.sun_path, address);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    failed = connect(fd, (void *)&to, sizeof to);
  }
  if (failed) fail("nobody listens");
  return fd;
}

static void receive(int fd, void *to, size_t length) {
  if (recv(fd, to, length, MSG_WAITALL) != (ssize_t)length) fail("the server left");
}

/* Client flags FIXED_NEWSTYLE | NO_ZEROES, then EXPORT_NAME. Returns the size of the export. */
static uint64_t greet(int fd, const char *export) {
  uint8_t buffer[GREETING_BYTES], hello[20 + 256] = {0, 0, 0, 3, 'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0, 0, 0, 1};
  size_t length = strlen(export);
  if (length > 255) fail("the export's name is too long");
  hello[19] = length;
  memcpy(hello + 20, export, length);
  receive(fd, buffer, GREETING_BYTES);
  if (write(fd, hello, 20 + length) != (ssize_t)(20 + length)) fail("the server left");
  receive(fd, buffer, EXPORT_BYTES);
  uint64_t size;
  memcpy(&size, buffer, sizeof size);
  return be64toh(size);
}

static void request(uint8_t *to, uint32_t slot) {
  static uint64_t random = 88172645463325252ULL;
  random ^= random << 13, random ^= random >> 7, random ^= random << 17;
  uint64_t offset = htobe64(random % places * block);
  uint32_t length = htobe32(block);
  memcpy(to, (uint8_t[8]){0x25, 0x60, 0x95, 0x13}, 8);
  memcpy(to + 8, &slot, sizeof slot); /* the cookie comes back as it went */
  memset(to + 12, 0, 4);
  memcpy(to + 16, &offset, sizeof offset);
  memcpy(to + 24, &length, sizeof length);
}

static void send_all(int fd, const uint8_t *from, size_t length) {
  for (ssize_t n; length > 0;) {
    n = write(fd, from, length);
    if (n > 0) from += n, length -= n;
  }
}

static void tell(float *times, size_t n) {
  if (n == 0) fail("no reply in all the time");
  qsort(times, n, sizeof *times, by_value);
  printf("reads=%zu min=%.2f p50=%.2f p99=%.2f p999=%.2f max=%.2f\n", n, times[0], times[n / 2],
         times[n * 99 / 100], times[n * 999 / 1000], times[n - 1]);
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: spin SOCKET|PORT EXPORT DEPTH BYTES MILLISECONDS\n");
    return 2;
  }
  signal(SIGTERM, stop);
  signal(SIGUSR1, forget);
  int fd = attach(argv[1]), depth = atoi(argv[3]);
  uint64_t size = greet(fd, argv[2]);
  block = atoi(argv[4]);
  places = (size < RANGE_MAX ? size : RANGE_MAX) / block;
  if (depth < 1 || depth > DEPTH_MAX || places == 0 || block + REPLY_BYTES > BUFFER_BYTES) return 2;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  static uint8_t in[BUFFER_BYTES], out[DEPTH_MAX * REQUEST_BYTES];
  static double begins[DEPTH_MAX];
  static uint32_t slots[DEPTH_MAX]; /* of the requests in `out` */
  float *times = malloc(SAMPLES_MAX * sizeof *times);
  for (int slot = 0; slot < depth; slot++) {
    request(out + slot * REQUEST_BYTES, slot);
    begins[slot] = now_us();
  }
  send_all(fd, out, depth * REQUEST_BYTES);
  double end = now_us() + atof(argv[5]) * 1e3;
  size_t used = 0, done = 0, reply = REPLY_BYTES + block;
  for (long warm = 0; !stopped && now_us() < end && done < SAMPLES_MAX - DEPTH_MAX;) {
    ssize_t n = read(fd, in + used, sizeof in - used);
    if (n == 0) fail("the server left");
    if (forgets) forgets = 0, done = 0;
    if (n < 0) continue;
    double now = now_us();
    size_t at = 0, asked = 0;
    for (used += n; used - at >= reply; at += reply) {
      uint32_t slot;
      memcpy(&slot, in + at + 8, sizeof slot);
      if (memcmp(in + at, (uint8_t[8]){0x67, 0x44, 0x66, 0x98}, 8) != 0) fail("the server refused a read");
      if (warm == depth) times[done++] = now - begins[slot];
      else if (++warm == depth) puts("ready"), fflush(stdout);
      slots[asked] = slot;
      request(out + asked++ * REQUEST_BYTES, slot);
    }
    memmove(in, in + at, used -= at);
    now = now_us();
    for (size_t i = 0; i < asked; i++) begins[slots[i]] = now;
    send_all(fd, out, asked * REQUEST_BYTES);
  }
  tell(times, done);
  return 0;
}
