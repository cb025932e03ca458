// Whether this system has the unified control groups (cgroups(7)).

#pragma once

namespace writ::run {

// Whether a cgroup2 file system is mounted where this process can see it (/proc/self/mountinfo).
bool has_cgroup2();

}  // namespace writ::run
