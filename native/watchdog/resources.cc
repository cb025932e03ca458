// What the watchdog must never lack; see the header.

#include "resources.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>

namespace writ::watchdog {

namespace {

constexpr std::size_t max_runs = 4096;
// Descriptors of a run: runner, child, and three of its group.
constexpr std::size_t descriptors_per_run = 5;
constexpr std::size_t other_descriptors = 64;

}  // namespace

bool lock_memory() {
  const rlimit unbounded{RLIM_INFINITY, RLIM_INFINITY};
  const bool is_unbounded = ::setrlimit(RLIMIT_MEMLOCK, &unbounded) == 0;
  // Where that is bounded, later memory is left out: an allocation that fails would end the watchdog.
  return ::mlockall(is_unbounded ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT) == 0;
}

std::size_t run_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
  if (files.rlim_cur <= other_descriptors) return 0;
  return std::min(max_runs, static_cast<std::size_t>((files.rlim_cur - other_descriptors) / descriptors_per_run));
}

}  // namespace writ::watchdog
