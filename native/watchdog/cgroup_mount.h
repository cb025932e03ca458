// Where the unified hierarchy of control groups is mounted (cgroups(7)).

#pragma once

#include <string>
#include <string_view>

namespace writ::watchdog {

struct CgroupMount {
  // Empty where there is none that can be written to.
  std::string directory;
  // The group that the mount shows as its root, without a final slash: what paths in /proc/PID/cgroup begin with.
  std::string root;
};

// Reads /proc/self/mountinfo.
CgroupMount find_cgroup_mount();

// Picks it out of the lines of a mountinfo file (proc_pid_mountinfo(5)).
CgroupMount parse_cgroup_mount(std::string_view mountinfo);

}  // namespace writ::watchdog
