// The signals of the launcher; see the header.

#include "signals.h"

#include "process_stat.h"

namespace writ::run {

namespace {

bool remembered = false;
sigset_t inherited_mask;
struct sigaction inherited_child_action;

}  // namespace

void take_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, remembered ? nullptr : &inherited_mask);
  // Where it is ignored, children leave no status behind.
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, remembered ? nullptr : &inherited_child_action);
  remembered = true;
}

void let_signals_act() {
  sigset_t mask = inherited_mask;
  for (const int stop : {SIGTSTP, SIGTTIN, SIGTTOU}) ::sigaddset(&mask, stop);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
}

void restore_inherited_signals() {
  // It cannot have been a handler, which no execution leaves in place.
  ::sigaction(SIGCHLD, &inherited_child_action, nullptr);
  ::sigprocmask(SIG_SETMASK, &inherited_mask, nullptr);
}

UniqueDescriptor signal_descriptor() {
  sigset_t all;
  ::sigfillset(&all);
  return UniqueDescriptor(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool is_to_be_passed_on(const signalfd_siginfo& taken) {
  if (taken.ssi_signo == SIGCHLD || taken.ssi_code == SI_KERNEL) return false;
  return taken.ssi_code != SI_USER || !descends_from_us(static_cast<pid_t>(taken.ssi_pid));
}

}  // namespace writ::run
