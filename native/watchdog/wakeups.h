// What the watchdog waits on: one epoll over everything that it has open, an alarm by CLOCK_BOOTTIME, and the signal to stop.

#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "owned_descriptor.h"

namespace writ::watchdog {

// What woke the watchdog. The alarm is over once it has rung, and the signal once it was seen.
enum class Source : std::uint32_t { listener, alarm, signal, client, run };

class Wakeups {
 public:
  // Sets up epoll, alarm and signal; the signal is blocked from now on. 0, or an errno.
  int open();

  // Wakes for `events` of epoll on a descriptor. `index` tells which one of its source it is. False, with errno, where that fails.
  [[nodiscard]] bool watch(int descriptor, std::uint32_t events, Source source, std::size_t index = 0) const;

  // Rings at this time of CLOCK_BOOTTIME, at once where it has passed; never where it is 0.
  void set_alarm(std::uint64_t at_ms) const;

  // Waits, then calls handle(source, index) for each thing that happened. False where waiting is impossible.
  template <class Handle>
  [[nodiscard]] bool wait(const Handle& handle) {
    const int count = ::epoll_wait(epoll_.get(), happened_.data(), static_cast<int>(happened_.size()), -1);
    if (count < 0) return errno == EINTR;
    for (int at = 0; at < count; at++) {
      const std::uint64_t tag = happened_[static_cast<std::size_t>(at)].data.u64;
      const Source source = static_cast<Source>(tag >> 32);
      take_away(source);
      handle(source, static_cast<std::size_t>(tag & 0xffff'ffff));
    }
    return true;
  }

 private:
  void take_away(Source source) const;

  OwnedDescriptor epoll_;
  OwnedDescriptor timer_;
  OwnedDescriptor signals_;
  std::array<epoll_event, 64> happened_{};
};

// CLOCK_BOOTTIME.
std::uint64_t now_ms();

}  // namespace writ::watchdog
