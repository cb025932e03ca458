// The watchdog: it keeps runs under their deadlines, whatever becomes of the daemon that asked for it and of those who run them.
// A run ends at its deadline (CLOCK_BOOTTIME), when its runner dies, when the daemon says so, and when the watchdog is told to
// stop. Then everything in it is killed: its control group in one stroke, its PID namespace by its first process, and its own
// process. A run is over only when nothing of it is left.
//
// A daemon that is gone can change nothing any more: its runs go on to their deadlines, and then the watchdog that was started
// for it ends too.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cgroup_mount.h"
#include "client.h"
#include "daemon_group.h"
#include "owned_descriptor.h"
#include "protocol.h"
#include "run_group.h"
#include "wakeups.h"

namespace writ::watchdog {

struct Settings {
  // A connected socket, or one that listens for daemons of `uid`.
  int socket;
  bool listens;
  uid_t uid;
};

class Watchdog {
 public:
  explicit Watchdog(const Settings& settings);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Sets up what it waits on. 0, or an errno.
  int prepare();
  // Serves until there is nobody left to serve. Returns the exit status.
  int serve();

 private:
  enum class RunState : std::uint8_t { free, guarded, dying };

  struct Run {
    RunState state = RunState::free;
    RunName name{};
    std::size_t client = 0;
    // Which connection of that place asked for it.
    std::uint64_t client_turn = 0;
    std::uint64_t deadline_ms = 0;
    std::string_view cause;
    OwnedDescriptor runner;
    OwnedDescriptor child;
    RunGroup group;
  };

  // A daemon, and the group that its runs are made in.
  struct Place {
    std::unique_ptr<Client> client = std::make_unique<Client>();
    std::uint64_t turn = 0;
    std::string name;
    DaemonGroup group;
  };

  void wake(Source source, std::size_t index);
  void accept_daemon();
  // Where nobody is connected, if possible one of whose runs none is left; as many as there are places where there is none.
  [[nodiscard]] std::size_t vacant_place() const;
  void hear(std::size_t place);
  void answer(std::size_t place, const Request& request);
  void greet(Place& place, const Hello& hello);
  void leave_unused_groups();
  const char* guard(std::size_t place, const Guard& request, std::string& group);
  RunGroup make_group(Place& place, const Guard& request);
  void renew(std::size_t place, const Renew& request);
  void end(std::size_t place, const End& request);

  void begin_killing(Run& run, std::string_view cause);
  void look_after(Run& run);
  void finish(Run& run);
  void keep_deadlines();
  void stop();

  Run* find(std::size_t place, const RunName& name);
  void tell(const Run& run);
  void refuse(std::size_t place, const RunName& run, const char* reason);
  [[nodiscard]] bool has_runs(std::size_t place) const;
  [[nodiscard]] std::size_t guarded() const;
  [[nodiscard]] bool is_done() const;
  // When something must be done at the latest, by CLOCK_BOOTTIME; 0 where there is nothing to do.
  [[nodiscard]] std::uint64_t next_due_ms() const;

  Settings settings_;
  CgroupMount mount_;
  Wakeups wakeups_;
  std::vector<Run> runs_;
  std::vector<Place> places_;
  bool memory_is_locked_ = false;
  bool stopping_ = false;
};

}  // namespace writ::watchdog
