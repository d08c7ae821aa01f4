/* Gives a server a way in that it does not have.
 *
 *   bridge connect ADDRESS            standard input and output become a client of ADDRESS
 *   bridge accept ADDRESS COMMAND...  a COMMAND for each client, on its standard input and output
 *   bridge once ADDRESS COMMAND...    becomes the COMMAND of the first client, and nobody else's
 *   bridge ready ADDRESS PID          until ADDRESS accepts; fails when PID ends, or after 20 s
 *
 * ADDRESS is the path of a unix socket, a PORT of 127.0.0.1, ::PORT of ::1, or fd3: a socket that listens already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

union address {
  struct sockaddr any;
  struct sockaddr_un un;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
};

static socklen_t parse(const char *text, union address *to) {
  memset(to, 0, sizeof *to);
  if (strchr(text, '/') != NULL) {
    to->un.sun_family = AF_UNIX;
    strncpy(to->un.sun_path, text, sizeof to->un.sun_path - 1);
    return sizeof to->un;
  }
  if (strncmp(text, "::", 2) == 0) {
    to->in6.sin6_family = AF_INET6;
    to->in6.sin6_addr = in6addr_loopback;
    to->in6.sin6_port = htons(atoi(text + 2));
    return sizeof to->in6;
  }
  to->in.sin_family = AF_INET;
  to->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to->in.sin_port = htons(atoi(text));
  return sizeof to->in;
}

static int connected(const char *text) {
  union address address;
  socklen_t length = parse(text, &address);
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, &address.any, length) == 0) return fd;
  close(fd);
  return -1;
}

static int listening(const char *text) {
  union address address;
  if (strcmp(text, "fd3") == 0) return 3;
  socklen_t length = parse(text, &address);
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (address.any.sa_family == AF_UNIX) unlink(text);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, &address.any, length) != 0 || listen(fd, 64) != 0) fail(text);
  return fd;
}

/* One direction: at most one buffer is on its way. */
struct flow {
  int from, to;
  size_t at, end;
  int over;
  char bytes[65536];
};

static void push(struct flow *f, short from_events, short to_events) {
  if (f->at == f->end && !f->over && from_events) {
    ssize_t n = read(f->from, f->bytes, sizeof f->bytes);
    if (n > 0) f->at = 0, f->end = n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      f->over = 1;
      shutdown(f->to, SHUT_WR);
    }
    return;
  }
  if (f->at < f->end && to_events) {
    ssize_t n = write(f->to, f->bytes + f->at, f->end - f->at);
    if (n > 0) f->at += n;
    else if (errno != EAGAIN && errno != EINTR) exit(0);
  }
}

static void splice_both(int server) {
  static struct flow there, back;
  there.from = 0, there.to = server, back.from = server, back.to = 1;
  while (!back.over || back.at < back.end) {
    struct pollfd fds[4] = {
      { there.over || there.at < there.end ? -1 : 0, POLLIN, 0 },
      { there.at < there.end ? server : -1, POLLOUT, 0 },
      { back.over || back.at < back.end ? -1 : server, POLLIN, 0 },
      { back.at < back.end ? 1 : -1, POLLOUT, 0 },
    };
    if (poll(fds, 4, -1) < 0 && errno != EINTR) fail("poll");
    push(&there, fds[0].revents, fds[1].revents);
    push(&back, fds[2].revents, fds[3].revents);
  }
}

static void serve(int listener, char **command) {
  signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    if (fork() == 0) {
      signal(SIGCHLD, SIG_DFL);
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      unsetenv("LISTEN_FDS");
      unsetenv("LISTEN_PID");
      dup2(client, 0);
      dup2(client, 1);
      close(client);
      close(listener);
      execvp(command[0], command);
      fail(command[0]);
    }
    close(client);
  }
}

static void serve_one(int listener, char **command) {
  int client = accept(listener, NULL, NULL);
  if (client < 0) fail("accept");
  close(listener);
  dup2(client, 0);
  dup2(client, 1);
  close(client);
  execvp(command[0], command);
  fail(command[0]);
}

static int ready(const char *address, int pid) {
  for (int tries = 0; tries < 1000; tries++) {
    int fd = connected(address);
    if (fd >= 0) return 0;
    if (kill(pid, 0) != 0) return 1;
    usleep(20000);
  }
  return 1;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "connect") == 0) {
    int fd = connected(argv[2]);
    if (fd < 0) fail(argv[2]);
    splice_both(fd);
    return 0;
  }
  if (argc > 3 && strcmp(argv[1], "accept") == 0) serve(listening(argv[2]), argv + 3);
  if (argc > 3 && strcmp(argv[1], "once") == 0) serve_one(listening(argv[2]), argv + 3);
  if (argc == 4 && strcmp(argv[1], "ready") == 0) return ready(argv[2], atoi(argv[3]));
  fprintf(stderr, "usage: bridge connect ADDRESS | accept|once ADDRESS COMMAND... | ready ADDRESS PID\n");
  return 2;
}
