// What file system an open file lies on: whether its owner and times can be believed depends on that.

#pragma once

#include <napi.h>

namespace writ {

// fileSystem(fd) -> {type, nosuid}: the magic number of the file system, and whether its mount ignores set-user-ID
// bits (fstatfs(2)). Linux only; elsewhere error code ENOSYS.
Napi::Value file_system(const Napi::CallbackInfo& info);

}  // namespace writ
