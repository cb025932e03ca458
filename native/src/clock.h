// The clock that no administrator can set and that goes on while the machine sleeps.

#pragma once

#include <napi.h>

namespace writ {

// bootTimeMs(): milliseconds since the machine booted, with a fraction (clock_gettime(2), CLOCK_BOOTTIME).
Napi::Value boot_time_ms(const Napi::CallbackInfo& info);

}  // namespace writ
