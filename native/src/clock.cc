// Time since boot; see the header.

#include "clock.h"

#include <time.h>

#include <cerrno>

#include "system_error.h"

namespace writ {

namespace {

#ifdef __linux__
constexpr clockid_t boot_clock = CLOCK_BOOTTIME;
#else
// On macOS this one counts while the machine sleeps.
constexpr clockid_t boot_clock = CLOCK_MONOTONIC;
#endif

}  // namespace

Napi::Value boot_time_ms(const Napi::CallbackInfo& info) {
  timespec now{};
  if (::clock_gettime(boot_clock, &now) != 0) return throw_system_error(info.Env(), errno, "clock_gettime");
  const double milliseconds = static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
  return Napi::Number::New(info.Env(), milliseconds);
}

}  // namespace writ
