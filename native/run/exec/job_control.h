// Signals and the terminal, so that shell, terminal and program see each other as if no launcher was between them.

#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include "child.h"

namespace writ::run {

class JobControl {
 public:
  explicit JobControl(const Child& child) : child_(child) {}

  // Passes a signal that we were sent on to the program, unless it has it already.
  void pass_on(const signalfd_siginfo& taken);

  // The program was stopped by a signal: whoever waits for the job shall see it stopped.
  void stopped(int signal);

  // After the end of all processes: a group of the run that had the terminal is gone, and nobody else would give it back.
  void take_terminal_back();

 private:
  void continued();

  const Child& child_;
  // The process group of the run that had the terminal when the program was stopped; 0 for none.
  pid_t had_terminal_ = 0;
};

}  // namespace writ::run
