// Processes by their pidfds; see the header.

#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace writ::watchdog {

namespace {

struct Stat {
  pid_t parent;
  std::uint64_t start_time;
};

// Fields 4 and 22 of /proc/PID/stat (proc_pid_stat(5)).
std::optional<Stat> read_stat(pid_t pid) {
  char path[32];
  static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d/stat", pid));
  const OwnedDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  char line[1024];
  const ssize_t length = ::read(file.get(), line, sizeof line - 1);
  if (length <= 0) return std::nullopt;
  line[length] = '\0';
  // The name in parentheses may hold anything, so everything is counted from the last one.
  const char* rest = std::strrchr(line, ')');
  char state = 0;
  int parent = 0;
  unsigned long long start_time = 0;
  if (rest == nullptr ||
      std::sscanf(rest + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state,
                  &parent, &start_time) != 3) {
    return std::nullopt;
  }
  return Stat{static_cast<pid_t>(parent), start_time};
}

}  // namespace

OwnedDescriptor open_process(const ProcessName& name, const ProcessName* parent) {
  OwnedDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, name.pid, 0)));
  if (!pidfd.valid()) return {};
  const std::optional<Stat> stat = read_stat(name.pid);
  if (!stat || stat->start_time != name.start_time) return {};
  if (parent != nullptr && stat->parent != parent->pid) return {};
  // Read before the pidfd was found alive, the facts are of the process that it holds.
  if (!is_alive(pidfd.get())) return {};
  return pidfd;
}

bool begins_namespace(const ProcessName& child, const ProcessName& parent) {
  struct stat of_child {};
  struct stat of_parent {};
  const auto look = [](pid_t pid, struct stat& facts) {
    char path[32];
    static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d/ns/pid", pid));
    return ::stat(path, &facts) == 0;
  };
  return look(child.pid, of_child) && look(parent.pid, of_parent) && of_child.st_ino != of_parent.st_ino;
}

bool is_alive(int pidfd) {
  pollfd polled{pidfd, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&polled, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready == 0;
}

void kill_process(int pidfd) {
  static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0));
}

}  // namespace writ::watchdog
