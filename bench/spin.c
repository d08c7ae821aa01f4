/* The latency of one read at a time as the server causes it: a client that never sleeps, so that the
 * time its own kernel takes to wake it is no part of what it measures. fio's engine sleeps.
 *
 *   cc -O2 -o spin spin.c && ./spin SOCKET READS [DEPTH]     prints the median in microseconds
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { GREETING_BYTES = 18, EXPORT_BYTES = 10, REPLY_BYTES = 16, DATA_BYTES = 4096 };

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void receive(int fd, uint8_t *to, ssize_t length) {
  for (ssize_t n; length > 0;) {
    n = read(fd, to, length);
    if (n == 0) exit(1);
    if (n > 0) to += n, length -= n;
  }
}

static void ask(int fd, uint32_t slot) {
  uint8_t request[28] = {0x25, 0x60, 0x95, 0x13, [26] = DATA_BYTES >> 8};
  memcpy(request + 8, &slot, sizeof slot); /* the cookie comes back as it went */
  if (write(fd, request, sizeof request) != sizeof request) exit(1);
}

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc < 3 || argc > 4 || strlen(argv[1]) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, argv[1]);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), reads = atoi(argv[2]), depth = argc == 4 ? atoi(argv[3]) : 1;
  if (reads < depth || depth < 1 || connect(fd, (void *)&address, sizeof address) != 0) return 1;
  uint8_t buffer[REPLY_BYTES + DATA_BYTES];
  receive(fd, buffer, GREETING_BYTES);
  /* Client flags FIXED_NEWSTYLE | NO_ZEROES, then EXPORT_NAME of the default export. */
  static const uint8_t hello[] = {0, 0, 0, 3, 'I', 'H', 'A', 'V', 'E', 'O', 'P', 'T', 0, 0, 0, 1, 0, 0, 0, 0};
  if (write(fd, hello, sizeof hello) != sizeof hello) return 1;
  receive(fd, buffer, EXPORT_BYTES);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  double *times = malloc(reads * sizeof *times), *begins = malloc(depth * sizeof *begins);
  int asked = 0;
  for (; asked < depth; asked++) {
    begins[asked] = now_us();
    ask(fd, asked);
  }
  for (int i = 0; i < reads; i++) {
    uint32_t slot;
    receive(fd, buffer, sizeof buffer);
    memcpy(&slot, buffer + 8, sizeof slot);
    double now = now_us();
    times[i] = now - begins[slot];
    if (asked == reads) continue;
    begins[slot] = now;
    ask(fd, slot);
    asked++;
  }
  qsort(times, reads, sizeof *times, by_value);
  printf("%.2f\n", times[reads / 2]);
  return 0;
}
