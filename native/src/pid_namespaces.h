// The PID namespaces around a process.

#pragma once

#include <napi.h>

namespace writ {

// pidNamespaces(pid): inode numbers, as decimal texts, of the process's PID namespace and of those around it, innermost first, out to
// our own, or as far as the kernel shows them to us (ioctl_nsfs(2), NS_GET_PARENT). Throws the system's error for a process
// that has ended or is hidden; whoever asks makes certain afterwards that the pid was not another's.
Napi::Value pid_namespaces(const Napi::CallbackInfo& info);

}  // namespace writ
