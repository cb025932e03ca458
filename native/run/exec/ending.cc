// The end of a run: of what is left of its tree, and of the launcher itself.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "../front.h"
#include "child.h"
#include "children.h"

namespace writ::run {

namespace {

void wait_for(pid_t child) {
  siginfo_t taken = {};
  while (::waitid(P_PID, static_cast<id_t>(child), &taken, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace

void kill_tree(Child& child) {
  if (child.ended || child.pid < 0) return;
  child.ended = true;
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
  // The first process of a namespace ends when all others in it have ended.
  wait_for(child.pid);
  if (child.confinement == Confinement::plain) end_children();
}

void end_like(const ExitStatus& status) {
  // Stopped, the one in front would not notice our end, and the shell would believe in a job that is dead.
  if (const Job* const job = run::job()) ::kill(job->front, SIGCONT);
  if (!status.signal) ::_exit(status.exit.value_or(127));
  const int signal = *status.signal;
  // The program has dumped its memory, or has not; ours is nobody's business.
  const rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(signal, &by_default, nullptr);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::_exit(128 + signal);
}

}  // namespace writ::run
