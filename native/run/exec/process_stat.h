// What /proc/PID/stat says of a process (proc(5)).

#pragma once

#include <sys/types.h>

#include <optional>

namespace writ::run {

struct ProcessStat {
  char state;
  pid_t parent;
};

// Empty where there is no such process, or none that can be looked at.
std::optional<ProcessStat> process_stat(pid_t pid);

// Whether a signal has stopped it.
bool is_stopped(pid_t pid);

// Whether a process is this one's child, or a child of such a one, and so on.
bool descends_from_us(pid_t pid);

}  // namespace writ::run
