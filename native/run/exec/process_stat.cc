// What /proc/PID/stat says; see the header.

#include "process_stat.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace writ::run {

std::optional<ProcessStat> process_stat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name, in parentheses, may hold any character.
  const std::size_t end = line.rfind(") ");
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(end + 2));
  ProcessStat stat = {};
  if (!(rest >> stat.state >> stat.parent)) return std::nullopt;
  return stat;
}

bool is_stopped(pid_t pid) {
  const std::optional<ProcessStat> stat = process_stat(pid);
  return stat && stat->state == 'T';
}

bool descends_from_us(pid_t pid) {
  const pid_t self = ::getpid();
  // Longer lines do not exist; one that changes while it is followed could be without end.
  for (int generation = 0; generation < 10'000 && pid > 1; ++generation) {
    const std::optional<ProcessStat> stat = process_stat(pid);
    if (!stat) return false;
    if (stat->parent == self) return true;
    pid = stat->parent;
  }
  return false;
}

}  // namespace writ::run
