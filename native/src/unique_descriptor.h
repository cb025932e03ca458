// A file descriptor that somebody owns.

#pragma once

#include <unistd.h>

#include <utility>

namespace writ {

// Owns one descriptor and closes it, unless it was released to somebody else.
class UniqueDescriptor {
 public:
  UniqueDescriptor() noexcept = default;
  explicit UniqueDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  UniqueDescriptor(const UniqueDescriptor&) = delete;
  UniqueDescriptor& operator=(const UniqueDescriptor&) = delete;
  UniqueDescriptor(UniqueDescriptor&& other) noexcept : descriptor_(other.release()) {}
  UniqueDescriptor& operator=(UniqueDescriptor&& other) noexcept {
    UniqueDescriptor former(std::exchange(descriptor_, other.release()));
    return *this;
  }
  ~UniqueDescriptor() {
    // Nothing whose loss close() could report is written through the descriptors that are closed here.
    if (valid()) ::close(descriptor_);
  }

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] bool valid() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
  void reset() noexcept { UniqueDescriptor former(release()); }

 private:
  int descriptor_ = -1;
};

}  // namespace writ
