// The control group around all runs of one daemon; see the header.

#include "daemon_group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace writ::watchdog {

void DaemonGroup::open(const CgroupMount& mount, std::string_view daemon) {
  directory_.reset();
  path_.clear();
  if (mount.directory.empty()) return;
  const std::string name = "/writ-" + std::string(daemon);
  const std::string location = mount.directory + name;
  if (::mkdir(location.c_str(), 0755) != 0 && errno != EEXIST) return;
  OwnedDescriptor directory(::open(location.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts {};
  // It must be ours, and of a kernel that kills a group in one stroke (Linux 5.14).
  const bool usable = directory.valid() && ::fstat(directory.get(), &facts) == 0 && facts.st_uid == ::geteuid() &&
                      ::faccessat(directory.get(), "cgroup.kill", W_OK, AT_EACCESS) == 0;
  if (!usable) return;
  directory_ = std::move(directory);
  path_ = mount.root + name;
  location_ = location;
}

void DaemonGroup::leave() {
  if (!directory_.valid()) return;
  directory_.reset();
  path_.clear();
  // The kernel refuses while there is any run in it, whoever guards that.
  static_cast<void>(::rmdir(location_.c_str()));
}

}  // namespace writ::watchdog
