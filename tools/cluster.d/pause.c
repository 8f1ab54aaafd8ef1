/* The first process of a node, and of each of its pods. It keeps their namespaces open, and waits for
   the processes that have lost their parents, so that nothing is left of those. When it ends, the
   kernel kills everything else in its PID namespace. */
#include <signal.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, 0);
  for (;;) {
    int received;
    sigwait(&awaited, &received);
    if (received != SIGCHLD) {
      return 0;
    }
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
  }
}
