// The clock that no administrator can set and that goes on while the machine sleeps, and whether the other one, which
// can be set, is kept right by somebody.

#pragma once

#include <napi.h>

namespace writ {

// bootTimeMs(): milliseconds since the machine booted, with a fraction (clock_gettime(2), CLOCK_BOOTTIME).
Napi::Value boot_time_ms(const Napi::CallbackInfo& info);

// clockSynchronised(): whether the kernel takes its wall clock for synchronised to another (adjtimex(2)). Linux only.
Napi::Value clock_synchronised(const Napi::CallbackInfo& info);

}  // namespace writ
