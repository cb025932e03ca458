// The process that a shell sees. A stopped job must be a stopped process of the shell's, but a stopped launcher could not
// renew its lease, and the run would be killed. So on a terminal the launcher is two processes: the one in front is the shell's
// child, stops and continues as the program does, passes signals on and ends as the program ended; the one behind it does
// everything else.

#pragma once

#include <sys/types.h>

namespace writ::run {

// To be called before anything is opened. A standard descriptor that is closed stays so for the program, and to whoever reads
// or writes here; but its number is given to nothing of ours, which would be closed with the standard ones, or written to.
void keep_standard_numbers();

// To be called with nothing else opened. Without a controlling terminal it does nothing. Otherwise it
// returns in the process behind; the one in front stays inside until the end of both. Should either be killed, so is the
// other. All are in one process group with the program, so that the kernel sees an orphaned group where it would see one
// without us. Who stops the whole group by SIGSTOP, which nobody can take, thus stops the renewals too.
void stand_in_front();

// Where job control concerns us: the one in front, and the terminal. There is none without a controlling terminal.
struct Job {
  // The front process and its group.
  pid_t front;
  pid_t group;
  int terminal;
  // Whom to ask for a stop.
  int channel;
};
const Job* job();

}  // namespace writ::run
