// Filters of system calls (seccomp(2)) around execution, where paths say too little or nothing.

#pragma once

#include <cstdint>

namespace writ::run {

// The arguments of the one execveat() that remains allowed, as the addresses in memory at which they lie.
struct OneExecution {
  std::uint64_t path;
  std::uint64_t arguments;
  std::uint64_t environment;
};

// Denies every execve() and execveat() from now on, in this process and all that descends of it, but one whose path,
// arguments and environment lie at just these addresses. They are chosen at random and forgotten by that execution, so
// what is executed cannot repeat it. Calls of other architectures are denied too. False where it cannot be enforced; the
// process must have given up new privileges.
[[nodiscard]] bool allow_one_execution(const OneExecution& execution);

// Denies memfd_create(), whose files Landlock does not see, and the calls of other architectures. False as above.
[[nodiscard]] bool deny_memory_files();

}  // namespace writ::run
