// What the kernel writes into its log, from /dev/kmsg (Documentation/ABI/testing/dev-kmsg in Linux).
// src/kernel/vm-generation.ts says what it is for.

#pragma once

#include <napi.h>

namespace writ {

// openKernelLog() -> fd: reads what is logged from now on, and waits for nothing. Error code EPERM: this needs CAP_SYSLOG;
// ENODEV: what is at /dev/kmsg is not the kernel's log. Linux only.
Napi::Value open_kernel_log(const Napi::CallbackInfo& info);

// takeKernelLog(fd) -> null | { texts: string[], lost: boolean }: all records that were logged since, by whomever, with one
// character for each byte; null when there are none. `lost`: records were overwritten before they were read. Linux only.
Napi::Value take_kernel_log(const Napi::CallbackInfo& info);

}  // namespace writ
