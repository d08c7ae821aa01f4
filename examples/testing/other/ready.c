/* A test in C: tnull gets a listening socket (LISTEN_FDS) and serves it; there is nothing to wait for, since
   clients may connect at once. Then libnbd: cc ready.c -lnbd */
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

int main(void)
{
  char folder[] = "/tmp/test-XXXXXX";
  struct sockaddr_un at = { .sun_family = AF_UNIX };
  if (mkdtemp(folder) == NULL) return 1;
  snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", folder);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16)) return 1;

  pid_t child = fork();
  if (child == 0) {
    char pid[16], command[4096];
    snprintf(pid, sizeof pid, "%d", getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", pid, 1);
    dup2(listener, 3); /* where LISTEN_FDS begins */
    snprintf(command, sizeof command,
             "exec %s --no-control --exit-with-parent --log-level error size=1 memory_backed=1",
             getenv("TNULL") ? getenv("TNULL") : "tnull");
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }

  char data[512];
  struct nbd_handle *nbd = nbd_create();
  if (nbd_connect_unix(nbd, at.sun_path) || nbd_pread(nbd, data, sizeof data, 0, 0)) {
    fprintf(stderr, "%s\n", nbd_get_error());
    return 1;
  }
  printf("%lld bytes, the first is %d\n", (long long)nbd_get_size(nbd), data[0]);
  nbd_close(nbd);
  kill(child, SIGTERM);
  waitpid(child, NULL, 0);
  unlink(at.sun_path);
  rmdir(folder);
  return 0;
}
