// File descriptors: owned ones, which close themselves, and those that JavaScript passes in.

#pragma once

#include <napi.h>

#include <cstddef>
#include <optional>
#include <utility>

namespace writ {

// Owns one descriptor and closes it, unless it was released to somebody else.
class UniqueDescriptor {
 public:
  explicit UniqueDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  UniqueDescriptor(const UniqueDescriptor&) = delete;
  UniqueDescriptor& operator=(const UniqueDescriptor&) = delete;
  UniqueDescriptor(UniqueDescriptor&& other) noexcept : descriptor_(other.release()) {}
  UniqueDescriptor& operator=(UniqueDescriptor&&) = delete;
  ~UniqueDescriptor();

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] bool valid() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

// The descriptor that is the first of `count` arguments of a call, by default the only one: a whole number from 0 to
// 2^31 - 1. Otherwise a TypeError is pending and the result is empty.
std::optional<int> descriptor_argument(const Napi::CallbackInfo& info, std::size_t count = 1);

// closeFd(fd): closes a descriptor that this addon handed out.
Napi::Value close_fd(const Napi::CallbackInfo& info);

}  // namespace writ
