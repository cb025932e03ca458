// The lock that keeps a second daemon away from the same state (flock(2)).

#pragma once

#include <napi.h>

namespace writ {

// lockFile(path): opens the file, made with mode 0600 if it is missing, takes an exclusive lock and returns the
// descriptor that holds it. The kernel drops the lock when the descriptor is closed or the process ends, however it
// ends. Error code EWOULDBLOCK: somebody else holds the lock. ELOOP: the path is a symbolic link.
Napi::Value lock_file(const Napi::CallbackInfo& info);

}  // namespace writ
