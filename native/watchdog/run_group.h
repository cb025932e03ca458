// The control group of one run, below the group of its daemon or of the run that it was started inside of. Made by root, it is
// out of the reach of every other user: what is in it cannot leave, and one write kills all of it at once, forks included.

#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "owned_descriptor.h"

namespace writ::watchdog {

class RunGroup {
 public:
  // No group at all.
  RunGroup() = default;

  // Makes a group below the open directory `parent`, whose path in /proc/PID/cgroup is `parent_path`, and locks it (flock(2)) as
  // a sign that somebody guards it. An invalid one where that fails.
  static RunGroup make(int parent, std::string_view parent_path, std::string_view name);

  [[nodiscard]] bool valid() const { return directory_.valid(); }
  [[nodiscard]] int directory() const { return directory_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Becomes readable (EPOLLPRI) whenever the group fills or empties.
  [[nodiscard]] int events() const { return events_.get(); }

  // Moves a process in, with what descends from it already: the first process of a PID namespace holds the program beside itself.
  // False when the kernel refuses the process.
  bool take_in(pid_t process) const;
  // Whether /proc/PID/cgroup shows the process in exactly this group. False where that cannot be read.
  [[nodiscard]] bool has(pid_t process) const;
  // SIGKILL for everything in it and below it.
  void kill() const;
  // Whether nothing lives in it or below it, or it is gone. False where that cannot be read.
  [[nodiscard]] bool is_empty() const;
  // Removes it, and what its processes made below it. False where the kernel refuses as yet.
  bool remove() const;

 private:
  std::string name_;
  std::string path_;
  OwnedDescriptor directory_;
  OwnedDescriptor events_;
  OwnedDescriptor kill_;
};

// Kills and removes the groups below `base` that nobody guards any more: left behind by a watchdog that was killed. Waits for
// them for half a second at most; what is left then is killed all the same, and removed another time.
void clear_abandoned_groups(int base);

}  // namespace writ::watchdog
