// What the kernel announces about devices: its uevents, from a netlink socket (netlink(7), NETLINK_KOBJECT_UEVENT).
// src/kernel/vm-generation.ts says what they are for.

#pragma once

#include <napi.h>

namespace writ {

// openKernelEvents() -> fd: a socket that receives what the kernel announces from now on. It waits for nothing. Error code
// ENOTSUP: this network namespace belongs to another user namespace than the first one, and gets none of the kernel's
// announcements; EPERM: it may, but this process is not allowed to know. Linux only.
Napi::Value open_kernel_events(const Napi::CallbackInfo& info);

// takeKernelEvents(fd) -> null | { texts: string[], lost: boolean }: everything that waits on the socket, each message with
// one character for each of its bytes; null when nothing does. `lost`: at least one message of the kernel is missing or cut,
// because too many waited (ENOBUFS). Messages that others than the kernel sent are left out. Linux only.
Napi::Value take_kernel_events(const Napi::CallbackInfo& info);

}  // namespace writ
