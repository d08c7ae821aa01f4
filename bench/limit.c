/* How fast can this protocol be on one thread of this machine? A bare NBD server for the benchmark:
 * flat memory, a receive buffer and a send buffer per client, one read() and one write() per wake-up,
 * a look at the sockets for some time before sleeping. It checks nothing and trusts its clients.
 *
 *   cc -O2 -o limit limit.c && ./limit SOCKET|PORT BYTES     (a port of 127.0.0.1)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { IN_BYTES = 256 << 10, OUT_BYTES = 8 << 20, HEADER_BYTES = 28, SPIN_NS = 100000 };
enum { OPT_EXPORT_NAME = 1, OPT_ABORT = 2, OPT_INFO = 6, OPT_GO = 7, OPT_STRUCTURED = 8 };
enum { REP_ACK = 1, REP_INFO = 3 };
#define REP_UNSUP 0x80000001u
enum { READ = 0, WRITE = 1, DISC = 2 };
enum { FLAGS = 0x1 | 0x4 | 0x8 | 0x20 | 0x40 | 0x100, FLAG_DF = 0x80 };

enum phase { WANTS_FLAGS, HAGGLES, TRANSMITS };

struct client {
  int fd;
  enum phase phase;
  bool structured;
  size_t in_used, out_used;
  uint64_t write_at, write_left; /* of the write whose payload is arriving */
  uint8_t cookie[8];             /* of that write */
  uint8_t *in, *out;
};

static uint8_t *memory;
static uint64_t size;
static bool tcp;

static uint32_t get32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return be32toh(v); }
static uint64_t get64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return be64toh(v); }
static void put(struct client *c, const void *p, size_t n) { memcpy(c->out + c->out_used, p, n); c->out_used += n; }
static void put16(struct client *c, uint16_t v) { v = htobe16(v); put(c, &v, 2); }
static void put32(struct client *c, uint32_t v) { v = htobe32(v); put(c, &v, 4); }
static void put64(struct client *c, uint64_t v) { v = htobe64(v); put(c, &v, 8); }

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void leave(struct client *c) {
  close(c->fd);
  c->fd = -1;
}

static void send_all(struct client *c) {
  size_t at = 0;
  while (at < c->out_used) {
    ssize_t n = write(c->fd, c->out + at, c->out_used - at);
    if (n > 0) {
      at += n;
    } else if (n < 0 && errno == EAGAIN) {
      struct pollfd p = {c->fd, POLLOUT, 0};
      poll(&p, 1, -1);
    } else {
      leave(c);
      break;
    }
  }
  c->out_used = 0;
}

static void option_reply(struct client *c, uint32_t option, uint32_t type, uint32_t length) {
  put64(c, 0x0003e889045565a9ULL);
  put32(c, option);
  put32(c, type);
  put32(c, length);
}

/* One option at `p`. Returns true when transmission begins. */
static bool take_option(struct client *c, const uint8_t *p) {
  uint32_t option = get32(p + 8);
  uint16_t flags = FLAGS | (c->structured ? FLAG_DF : 0);
  switch (option) {
  case OPT_STRUCTURED:
    c->structured = true;
    option_reply(c, option, REP_ACK, 0);
    return false;
  case OPT_INFO:
  case OPT_GO:
    option_reply(c, option, REP_INFO, 12);
    put16(c, 0);
    put64(c, size);
    put16(c, flags);
    option_reply(c, option, REP_ACK, 0);
    return option == OPT_GO;
  case OPT_EXPORT_NAME:
    put64(c, size);
    put16(c, flags);
    return true;
  case OPT_ABORT:
    option_reply(c, option, REP_ACK, 0);
    send_all(c);
    leave(c);
    return false;
  default:
    option_reply(c, option, REP_UNSUP, 0);
    return false;
  }
}

/* Returns the bytes taken. */
static size_t haggle(struct client *c) {
  size_t at = 0;
  while (c->fd >= 0 && c->phase != TRANSMITS) {
    size_t there = c->in_used - at;
    if (c->phase == WANTS_FLAGS) {
      if (there < 4) break;
      at += 4;
      c->phase = HAGGLES;
      continue;
    }
    if (there < 16 || there < 16 + (size_t)get32(c->in + at + 12)) break;
    if (take_option(c, c->in + at)) c->phase = TRANSMITS;
    at += 16 + get32(c->in + at + 12);
  }
  return at;
}

static void reply_head(struct client *c, const uint8_t *cookie, uint16_t type, uint32_t length) {
  if (c->structured) {
    put32(c, 0x668e33ef);
    put16(c, 1);
    put16(c, type);
    put(c, cookie, 8);
    put32(c, length);
  } else {
    put32(c, 0x67446698);
    put32(c, 0);
    put(c, cookie, 8);
  }
}

static void take_read(struct client *c, const uint8_t *cookie, uint64_t offset, uint32_t length) {
  if (c->out_used + length + 64 > OUT_BYTES) send_all(c);
  reply_head(c, cookie, 1, length + 8);
  if (c->structured) put64(c, offset);
  put(c, memory + offset, length);
}

/* Returns the bytes taken. */
static size_t transmit(struct client *c, size_t at) {
  while (c->fd >= 0 && at < c->in_used) {
    size_t there = c->in_used - at;
    if (c->write_left > 0) {
      size_t n = there < c->write_left ? there : c->write_left;
      memcpy(memory + c->write_at, c->in + at, n);
      c->write_at += n;
      c->write_left -= n;
      at += n;
      if (c->write_left == 0) reply_head(c, c->cookie, 0, 0);
      continue;
    }
    if (there < HEADER_BYTES) break;
    const uint8_t *header = c->in + at;
    at += HEADER_BYTES;
    uint16_t command = (uint16_t)(header[6] << 8 | header[7]);
    if (command == READ) {
      take_read(c, header + 8, get64(header + 16), get32(header + 24));
    } else if (command == WRITE) {
      c->write_at = get64(header + 16);
      c->write_left = get32(header + 24);
      memcpy(c->cookie, header + 8, 8);
    } else if (command == DISC) {
      leave(c);
    } else {
      reply_head(c, header + 8, 0, 0);
    }
  }
  return at;
}

static void readable(struct client *c) {
  ssize_t n = read(c->fd, c->in + c->in_used, IN_BYTES - c->in_used);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return leave(c);
  c->in_used += n;
  size_t taken = haggle(c);
  if (c->phase == TRANSMITS) taken = transmit(c, taken);
  c->in_used -= taken;
  memmove(c->in, c->in + taken, c->in_used);
  if (c->fd >= 0 && c->out_used > 0) send_all(c);
}

static void accept_client(int listener, int epoll) {
  struct client *c = calloc(1, sizeof *c);
  c->in = malloc(IN_BYTES);
  c->out = malloc(OUT_BYTES);
  c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (tcp) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct epoll_event event = {EPOLLIN, {.ptr = c}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
  put64(c, 0x4e42444d41474943ULL);
  put64(c, 0x49484156454f5054ULL);
  put16(c, 3);
  send_all(c);
}

static int listen_at(const char *where) {
  struct sockaddr_un path = {.sun_family = AF_UNIX};
  struct sockaddr_in loopback = {.sin_family = AF_INET};
  char *end;
  loopback.sin_port = htons(strtol(where, &end, 10));
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tcp = *end == 0;
  if (!tcp && strlen(where) >= sizeof path.sun_path) return -1;
  if (!tcp) strcpy(path.sun_path, where);
  int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
  int failed = tcp ? bind(fd, (void *)&loopback, sizeof loopback) : bind(fd, (void *)&path, sizeof path);
  return failed || listen(fd, 512) != 0 ? -1 : fd;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: limit SOCKET|PORT BYTES\n");
    return 2;
  }
  size = strtoull(argv[2], NULL, 10);
  memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_at(argv[1]), epoll = epoll_create1(0);
  if (memory == MAP_FAILED || listener < 0) {
    perror("limit");
    return 1;
  }
  struct epoll_event event = {EPOLLIN, {.ptr = NULL}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (int64_t traffic = 0;;) {
    struct epoll_event events[16];
    int n = epoll_wait(epoll, events, 16, now_ns() - traffic < SPIN_NS ? 0 : -1);
    if (n > 0) traffic = now_ns();
    for (int i = 0; i < n; i++) {
      struct client *c = events[i].data.ptr;
      if (c == NULL) accept_client(listener, epoll);
      else readable(c);
      if (c != NULL && c->fd < 0) free(c->in), free(c->out), free(c);
    }
  }
}
