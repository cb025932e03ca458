// File descriptors that JavaScript passes in.

#pragma once

#include <napi.h>

#include <cstddef>
#include <optional>

#include "unique_descriptor.h"

namespace writ {

// The descriptor that is the first of `count` arguments of a call, by default the only one: a whole number from 0 to
// 2^31 - 1. Otherwise a TypeError is pending and the result is empty.
std::optional<int> descriptor_argument(const Napi::CallbackInfo& info, std::size_t count = 1);

// closeFd(fd): closes a descriptor that this addon handed out.
Napi::Value close_fd(const Napi::CallbackInfo& info);

}  // namespace writ
