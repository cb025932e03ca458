// What the watchdog waits on; see the header.

#include "wakeups.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

namespace writ::watchdog {

namespace {

// What is read away only so that it waits no more.
void discard(ssize_t) {}

}  // namespace

int Wakeups::open() {
  epoll_ = OwnedDescriptor(::epoll_create1(EPOLL_CLOEXEC));
  timer_ = OwnedDescriptor(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  if (::sigprocmask(SIG_BLOCK, &stop_signals, nullptr) != 0) return errno;
  signals_ = OwnedDescriptor(::signalfd(-1, &stop_signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!epoll_.valid() || !timer_.valid() || !signals_.valid()) return errno;
  if (!watch(timer_.get(), EPOLLIN, Source::alarm)) return errno;
  return watch(signals_.get(), EPOLLIN, Source::signal) ? 0 : errno;
}

bool Wakeups::watch(int descriptor, std::uint32_t events, Source source, std::size_t index) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (static_cast<std::uint64_t>(source) << 32) | static_cast<std::uint64_t>(index);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Wakeups::set_alarm(std::uint64_t at_ms) const {
  itimerspec when{};
  // A time that has passed fires at once; zero would disarm the timer.
  if (at_ms > 0) {
    when.it_value.tv_sec = static_cast<time_t>(at_ms / 1000);
    when.it_value.tv_nsec = static_cast<long>(at_ms % 1000) * 1'000'000 + 1;
  }
  static_cast<void>(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr));
}

void Wakeups::take_away(Source source) const {
  if (source == Source::alarm) {
    std::uint64_t expirations = 0;
    discard(::read(timer_.get(), &expirations, sizeof expirations));
  } else if (source == Source::signal) {
    signalfd_siginfo signal{};
    discard(::read(signals_.get(), &signal, sizeof signal));
  }
}

std::uint64_t now_ms() {
  timespec now{};
  static_cast<void>(::clock_gettime(CLOCK_BOOTTIME, &now));
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace writ::watchdog
