// Signals and the terminal; see the header. SIGTTOU is blocked here, so a process in the background may hand the terminal on.

#include "job_control.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "../front.h"
#include "channel.h"
#include "process_stat.h"
#include "signals.h"

namespace writ::run {

namespace {

void send(int pidfd, int signal) { ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0); }

}  // namespace

void JobControl::pass_on(const signalfd_siginfo& taken) {
  const Job* const job = run::job();
  const int signal = static_cast<int>(taken.ssi_signo);
  bool wanted = is_to_be_passed_on(taken);
  if (job != nullptr) {
    // Of two that arrive at once, the kernel keeps one: it may be the shell's own.
    if (signal == SIGCONT) return continued();
    // What else arrives was sent to the whole group, and so to the one in front too.
    if (static_cast<pid_t>(taken.ssi_pid) != job->front) return;
    if (taken.ssi_code == SI_QUEUE) wanted = taken.ssi_int != 0;
  }
  if (wanted) send(child_.program_pidfd.get(), signal);
}

void JobControl::stopped(int signal) {
  const Job* const job = run::job();
  // Without job control nobody would continue us; and one that was continued meanwhile is not stopped.
  if (job == nullptr || !is_stopped(child_.program)) return;
  const pid_t foreground = ::tcgetpgrp(job->terminal);
  const bool of_program = foreground > 0 && foreground != job->group && foreground == ::getpgid(child_.program);
  had_terminal_ = of_program ? foreground : 0;
  if (of_program) ::tcsetpgrp(job->terminal, job->group);
  send_job_stop(job->channel, {child_.program, signal});
}

void JobControl::continued() {
  const Job& job = *run::job();
  if (had_terminal_ > 0 && ::tcgetpgrp(job.terminal) == job.group) ::tcsetpgrp(job.terminal, had_terminal_);
  had_terminal_ = 0;
  // A shell continues the whole group, which the program may have left. In it, it may be stopped anew already.
  if (::getpgid(child_.program) != job.group && is_stopped(child_.program)) send(child_.program_pidfd.get(), SIGCONT);
}

void JobControl::take_terminal_back() {
  const Job* const job = run::job();
  if (job == nullptr) return;
  const pid_t foreground = ::tcgetpgrp(job->terminal);
  const bool gone = foreground > 0 && ::kill(-foreground, 0) != 0 && errno == ESRCH;
  if (foreground == 0 || gone) ::tcsetpgrp(job->terminal, job->group);
}

}  // namespace writ::run
