// Whether a cgroup2 file system is mounted; see the header.

#include "cgroup_mount.h"

#include <fstream>
#include <string>

namespace writ::run {

bool has_cgroup2() {
  std::ifstream mounts("/proc/self/mountinfo");
  // The type follows the separator of the optional fields; spaces in paths are escaped.
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") != std::string::npos) return true;
  }
  return false;
}

}  // namespace writ::run
