// The loop in which a program is accompanied to its end; see governed_child.h.

#include <poll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "child.h"
#include "children.h"
#include "../governed_child.h"
#include "job_control.h"
#include "signals.h"

namespace writ::run {

namespace {

ExitStatus status_of(const WaitReport& report) {
  if (report.code == CLD_EXITED) return {report.status, std::nullopt};
  return {std::nullopt, report.status};
}

class Supervision {
 public:
  Supervision(Child& child, Events& events)
      : child_(child),
        events_(events),
        signals_(signal_descriptor()),
        timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
        job_control_(child) {}

  ExitStatus run() {
    while (!end_) turn();
    kill_tree(child_);
    job_control_.take_terminal_back();
    return *end_;
  }

 private:
  void turn() {
    arm();
    pollfd waits[] = {{signals_.get(), POLLIN, 0},
                      {child_.namespace_channel.get(), POLLIN, 0},
                      {events_.descriptor(), POLLIN, 0},
                      {timer_.get(), POLLIN, 0}};
    if (::poll(waits, 4, -1) < 0) return;
    if (waits[0].revents != 0) take_signals_in();
    if (waits[1].revents != 0) take_message();
    if (!end_ && waits[2].revents != 0) follow(events_.readable());
    if (!end_ && waits[3].revents != 0) follow(events_.deadline());
  }

  // A timer of 0 would be none; the past is as good as now.
  void arm() {
    const std::optional<std::int64_t> deadline = events_.deadline_ms();
    if (deadline == armed_) return;
    armed_ = deadline;
    itimerspec when = {};
    if (deadline) {
      const std::int64_t milliseconds = *deadline > 0 ? *deadline : 1;
      when.it_value = {milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    }
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void take_signals_in() {
    signalfd_siginfo taken;
    while (!end_ && ::read(signals_.get(), &taken, sizeof taken) == sizeof taken) {
      if (taken.ssi_signo != SIGCHLD) job_control_.pass_on(taken);
    }
    // One SIGCHLD stands for any number of news.
    if (child_.confinement != Confinement::plain) return;
    while (!end_) {
      const std::optional<WaitReport> news = news_of(child_.program);
      if (!news) return;
      take(*news);
    }
  }

  void take_message() {
    const std::optional<Message> message = receive(child_.namespace_channel.get());
    const std::optional<WaitReport> report = message ? report_in(*message) : std::nullopt;
    // The first process was killed, and all with it: by the watchdog, or by somebody who may.
    take(report ? *report : WaitReport{CLD_KILLED, SIGKILL});
  }

  void take(const WaitReport& news) {
    if (is_stop(news)) job_control_.stopped(news.status);
    else end_ = status_of(news);
  }

  void follow(Events::Next next) {
    switch (next) {
      case Events::Next::go_on:
        // The deadline may have been the same again on purpose.
        armed_.reset();
        return;
      case Events::Next::kill_tree:
        end_ = ExitStatus{std::nullopt, SIGKILL};
        return;
    }
  }

  Child& child_;
  Events& events_;
  UniqueDescriptor signals_;
  UniqueDescriptor timer_;
  JobControl job_control_;
  std::optional<std::int64_t> armed_;
  std::optional<ExitStatus> end_;
};

}  // namespace

ExitStatus supervise(Child& child, Events& events) { return Supervision(child, events).run(); }

}  // namespace writ::run
