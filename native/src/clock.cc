// Time since boot; see the header.

#include "clock.h"

#include <time.h>
#ifdef __linux__
#include <sys/timex.h>
#endif

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

#ifdef __linux__

Napi::Value clock_synchronised(const Napi::CallbackInfo& info) {
  // Without any mode nothing is set, and no privilege is needed.
  timex kernel_clock{};
  const int state = ::adjtimex(&kernel_clock);
  if (state < 0) return throw_system_error(info.Env(), errno, "adjtimex");
  return Napi::Boolean::New(info.Env(), state != TIME_ERROR && (kernel_clock.status & STA_UNSYNC) == 0);
}

#else

Napi::Value clock_synchronised(const Napi::CallbackInfo& info) {
  return throw_system_error(info.Env(), ENOSYS, "adjtimex");
}

#endif

}  // namespace writ
