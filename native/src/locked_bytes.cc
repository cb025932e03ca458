// Memory for one secret; see the header.

// For memset_s, which stands for explicit_bzero on macOS.
#define __STDC_WANT_LIB_EXT1__ 1

#include "locked_bytes.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace writ {

namespace {

// Linux only: macOS writes no core of a process whose limit is zero (process_hardening.h), and has no such advice.
int keep_out_of_copies([[maybe_unused]] void* page, [[maybe_unused]] std::size_t size) noexcept {
#ifdef __linux__
  if (::madvise(page, size, MADV_DONTDUMP) != 0) return errno;
  if (::madvise(page, size, MADV_WIPEONFORK) != 0) return errno;
#endif
  return 0;
}

}  // namespace

void wipe_bytes(void* bytes, std::size_t size) noexcept {
#ifdef __APPLE__
  ::memset_s(bytes, size, 0, size);
#else
  ::explicit_bzero(bytes, size);
#endif
}

std::unique_ptr<LockedBytes> LockedBytes::allocate(int& error) noexcept {
  const long page = ::sysconf(_SC_PAGESIZE);
  if (page < static_cast<long>(capacity)) {
    error = EINVAL;
    return nullptr;
  }
  const auto page_bytes = static_cast<std::size_t>(page);
  void* mapping = ::mmap(nullptr, 3 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    error = errno;
    return nullptr;
  }
  auto* start = static_cast<unsigned char*>(mapping);
  unsigned char* middle = start + page_bytes;
  error = ::mprotect(middle, page_bytes, PROT_READ | PROT_WRITE) == 0 ? keep_out_of_copies(middle, page_bytes) : errno;
  if (error == 0) {
    const bool locked = ::mlock(middle, page_bytes) == 0;
    std::unique_ptr<LockedBytes> bytes(new (std::nothrow) LockedBytes(start, page_bytes, locked));
    if (bytes != nullptr) return bytes;
    error = ENOMEM;
  }
  ::munmap(mapping, 3 * page_bytes);
  return nullptr;
}

LockedBytes::~LockedBytes() {
  wipe();
  // Unmapping also unlocks (munlock(2)).
  ::munmap(mapping_, 3 * page_bytes_);
}

bool LockedBytes::resize(std::size_t size) noexcept {
  if (size > capacity) return false;
  wipe_bytes(data_ + size, capacity - size);
  size_ = size;
  return true;
}

void LockedBytes::wipe() noexcept {
  wipe_bytes(data_, capacity);
  size_ = 0;
}

bool LockedBytes::equals(const LockedBytes& other) const noexcept {
  if (size_ != other.size_) return false;
  volatile unsigned char difference = 0;
  for (std::size_t position = 0; position < size_; position++) {
    difference = static_cast<unsigned char>(difference | (data_[position] ^ other.data_[position]));
  }
  return difference == 0;
}

}  // namespace writ
