// Memory for one secret: never swapped, never in a core, never in a child, and wiped before it is given back.

#pragma once

#include <cstddef>
#include <memory>

namespace writ {

// One page of its own between two pages that nobody may touch, so that nothing that overruns, above or below, reaches
// a secret or leaks it. The capacity is fixed: a buffer that grew would leave its old bytes behind.
//
// Both addons compile this class, and an object made by one may be used by the other (secret.h): a change of its
// members changes the type tag there.
class LockedBytes {
 public:
  static constexpr std::size_t capacity = 1024;

  // Null with `error` (an errno value) when the kernel gives no such page. A page that may not be locked (mlock(2),
  // RLIMIT_MEMLOCK) is given nevertheless, for locked() to tell.
  static std::unique_ptr<LockedBytes> allocate(int& error) noexcept;

  LockedBytes(const LockedBytes&) = delete;
  LockedBytes& operator=(const LockedBytes&) = delete;
  ~LockedBytes();

  [[nodiscard]] unsigned char* data() noexcept { return data_; }
  [[nodiscard]] const unsigned char* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Whether the kernel keeps the page out of swap.
  [[nodiscard]] bool locked() const noexcept { return locked_; }

  // Says how many bytes at data() are the secret; false for more than the capacity. What lies behind them is wiped.
  bool resize(std::size_t size) noexcept;
  // Overwrites everything, in a way that no compiler leaves out.
  void wipe() noexcept;
  // In a time that depends on the lengths alone.
  [[nodiscard]] bool equals(const LockedBytes& other) const noexcept;

 private:
  LockedBytes(unsigned char* mapping, std::size_t page_bytes, bool locked) noexcept
      : mapping_(mapping), data_(mapping + page_bytes), page_bytes_(page_bytes), locked_(locked) {}

  unsigned char* mapping_;
  unsigned char* data_;
  std::size_t page_bytes_;
  std::size_t size_ = 0;
  bool locked_;
};

// Overwrites `size` bytes, in a way that no compiler leaves out: for copies that a secret's way could not do without.
void wipe_bytes(void* bytes, std::size_t size) noexcept;

}  // namespace writ
