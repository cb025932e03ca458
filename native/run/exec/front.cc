// The process that a shell sees; see the header.

#include "../front.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "channel.h"
#include "../governed_child.h"
#include "new_process.h"
#include "process_stat.h"
#include "signals.h"

namespace writ::run {

namespace {

bool behind = false;
Job current = {-1, -1, -1, -1};

// Stops as a process does that leaves the signal to the kernel.
void stop_by(int signal) {
  struct sigaction former;
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  const bool catchable = ::sigaction(signal, &by_default, &former) == 0;
  ::raise(signal);
  // It comes, and takes effect, before this call returns.
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  if (catchable) ::sigaction(signal, &former, nullptr);
}

// Passes a signal on to the one behind; with it goes whether the program is to get it, or has it already.
void pass_on(const signalfd_siginfo& taken, pid_t worker) {
  const int signal = static_cast<int>(taken.ssi_signo);
  sigval value = {};
  value.sival_int = is_to_be_passed_on(taken) ? 1 : 0;
  // A full queue must not lose it.
  if (::sigqueue(worker, signal, value) != 0 && errno == EAGAIN) ::kill(worker, signal);
}

[[noreturn]] void mirror(pid_t worker, UniqueDescriptor channel) {
  // Nobody asks the kernel about this one, and whoever could trace it could speak for the terminal.
  ::prctl(PR_SET_DUMPABLE, 0);
  const UniqueDescriptor signals = signal_descriptor();
  keep_only({channel.get(), signals.get()});
  for (;;) {
    pollfd waits[] = {{signals.get(), POLLIN, 0}, {channel.get(), POLLIN, 0}};
    ::poll(waits, 2, -1);
    signalfd_siginfo taken;
    while (::read(signals.get(), &taken, sizeof taken) == sizeof taken) {
      if (taken.ssi_signo != SIGCHLD) pass_on(taken, worker);
    }
    siginfo_t ended = {};
    const int waited = ::waitid(P_PID, static_cast<id_t>(worker), &ended, WEXITED | WSTOPPED | WNOHANG);
    if (waited == 0 && ended.si_code == CLD_STOPPED) {
      // Before there is a program, the one behind may wait long for approvals, and stops as any program does.
      if (ended.si_status == SIGTSTP) stop_by(SIGTSTP);
      continue;
    }
    if (waited != 0 || ended.si_pid == worker) {
      if (ended.si_code == CLD_EXITED) end_like({ended.si_status, std::nullopt});
      end_like({std::nullopt, ended.si_status});
    }
    if ((waits[1].revents & POLLIN) == 0) continue;
    const std::optional<Message> message = receive(channel.get());
    const std::optional<JobStop> stop = message ? job_stop_in(*message) : std::nullopt;
    // The terminal's own signal may have stopped us in passing, and the shell continued all of us, before this was read.
    if (stop && is_stopped(stop->program)) stop_by(stop->signal);
  }
}

}  // namespace

void keep_standard_numbers() {
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard) {
    // Neither read(2) nor write(2) takes a descriptor that only names a place, and it is closed on execution.
    if (::fcntl(standard, F_GETFD) < 0 && ::open("/", O_PATH | O_CLOEXEC) != standard) std::abort();
  }
}

void stand_in_front() {
  UniqueDescriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) return;
  Channel channel = open_channel();
  if (!channel.child.valid()) return;
  const pid_t front = ::getpid();
  const pid_t group = ::getpgrp();
  take_signals();
  NewProcess worker = new_process(0);
  if (worker.pid < 0) return let_signals_act();
  if (worker.pid > 0) {
    channel.launcher.reset();
    mirror(worker.pid, std::move(channel.child));
  }
  channel.child.reset();
  die_with_parent();
  if (::getppid() != front) ::_exit(127);
  behind = true;
  current = {front, group, terminal.release(), channel.launcher.release()};
  let_signals_act();
}

const Job* job() { return behind ? &current : nullptr; }

}  // namespace writ::run
