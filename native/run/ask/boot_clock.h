// The clock that leases are measured by: it goes on while the machine sleeps, and nobody can set it.

#pragma once

#include <time.h>

#include <cstdint>

namespace writ::run {

// CLOCK_BOOTTIME in milliseconds.
inline std::int64_t boot_time_ms() {
  timespec now{};
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) __builtin_trap();
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace writ::run
