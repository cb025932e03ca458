// The control group around all runs of one daemon, named by it: made when the daemon says who it is, and removed when it and its
// runs are gone. Several watchdogs may have the same one open.

#pragma once

#include <string>
#include <string_view>

#include "cgroup_mount.h"
#include "owned_descriptor.h"

namespace writ::watchdog {

class DaemonGroup {
 public:
  // Makes or finds the group of a daemon. Not valid where that cannot be: where nothing is mounted, or the group is somebody else's,
  // or of a kernel that kills no group in one stroke.
  void open(const CgroupMount& mount, std::string_view daemon);
  // Gives it up, and removes it where it is empty.
  void leave();

  [[nodiscard]] bool valid() const { return directory_.valid(); }
  [[nodiscard]] int directory() const { return directory_.get(); }
  // As /proc/PID/cgroup shows it; empty where it is not valid.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  OwnedDescriptor directory_;
  std::string path_;
  // Where it is mounted.
  std::string location_;
};

}  // namespace writ::watchdog
