// The control group of one run; see the header.

#include "run_group.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace writ::watchdog {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view group_prefix = "run-";
constexpr int max_depth = 64;

bool write_text(int file, std::string_view text) {
  return ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

bool reads_empty(int events) {
  char content[256];
  const ssize_t length = ::pread(events, content, sizeof content - 1, 0);
  // A group that was removed with the one around it has no such file any more.
  if (length < 0 && errno == ENODEV) return true;
  if (length <= 0) return false;
  content[length] = '\0';
  return std::strstr(content, "populated 0") != nullptr;
}

// A listing of a directory of its own: the offset of `directory` stays where it is.
DIR* list(int directory) {
  const int copy = ::openat(directory, ".", directory_flags);
  if (copy < 0) return nullptr;
  DIR* listing = ::fdopendir(copy);
  if (listing == nullptr) ::close(copy);
  return listing;
}

// Removes every group below an open one, deepest first. Processes inside a run may have made some.
void remove_below(int directory, int depth) {
  DIR* listing = depth < max_depth ? list(directory) : nullptr;
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    const OwnedDescriptor below(::openat(directory, entry->d_name, directory_flags));
    if (below.valid()) remove_below(below.get(), depth + 1);
    static_cast<void>(::unlinkat(directory, entry->d_name, AT_REMOVEDIR));
  }
  ::closedir(listing);
}

void pause_briefly() {
  const timespec pause{0, 2'000'000};
  static_cast<void>(::nanosleep(&pause, nullptr));
}

void clear_abandoned(int base, const char* name) {
  const OwnedDescriptor directory(::openat(base, name, directory_flags));
  // Whoever guards a group holds its lock.
  if (!directory.valid() || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return;
  const OwnedDescriptor kill(::openat(directory.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  const OwnedDescriptor events(::openat(directory.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!kill.valid() || !events.valid()) return;
  static_cast<void>(write_text(kill.get(), "1"));
  for (int turn = 0; turn < 250 && !reads_empty(events.get()); turn++) pause_briefly();
  remove_below(directory.get(), 0);
  static_cast<void>(::unlinkat(base, name, AT_REMOVEDIR));
}

constexpr int max_generations = 8;

// False when the process itself cannot be moved.
bool move_tree(int members, pid_t process, int generation) {
  char text[16];
  const int length = std::snprintf(text, sizeof text, "%d", process);
  if (!write_text(members, {text, static_cast<std::size_t>(length)})) return false;
  if (generation == max_generations) return true;
  char path[64];
  static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", process, process));
  const OwnedDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  char children[1024];
  const ssize_t size = file.valid() ? ::read(file.get(), children, sizeof children - 1) : -1;
  if (size <= 0) return true;
  children[size] = '\0';
  for (char* at = children; *at != '\0';) {
    char* end = nullptr;
    const long child = std::strtol(at, &end, 10);
    if (end == at) break;
    if (child > 2) static_cast<void>(move_tree(members, static_cast<pid_t>(child), generation + 1));
    at = *end == ' ' ? end + 1 : end;
  }
  return true;
}

}  // namespace

RunGroup RunGroup::make(int parent, std::string_view parent_path, std::string_view name) {
  RunGroup group;
  group.name_.append(group_prefix).append(name);
  // Nobody else may list it or open its files: a lock on it shall mean that a watchdog guards it.
  if (::mkdirat(parent, group.name_.c_str(), 0700) != 0) return {};
  group.path_.append(parent_path).append("/").append(group.name_);
  group.directory_ = OwnedDescriptor(::openat(parent, group.name_.c_str(), directory_flags));
  const int directory = group.directory_.get();
  if (group.directory_.valid() && ::flock(directory, LOCK_EX | LOCK_NB) == 0) {
    group.events_ = OwnedDescriptor(::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC));
    group.kill_ = OwnedDescriptor(::openat(directory, "cgroup.kill", O_WRONLY | O_CLOEXEC));
  }
  if (group.events_.valid() && group.kill_.valid()) return group;
  static_cast<void>(::unlinkat(parent, group.name_.c_str(), AT_REMOVEDIR));
  return {};
}

bool RunGroup::take_in(pid_t process) const {
  const OwnedDescriptor members(::openat(directory_.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  return members.valid() && move_tree(members.get(), process, 0);
}

bool RunGroup::has(pid_t process) const {
  char name[32];
  static_cast<void>(std::snprintf(name, sizeof name, "/proc/%d/cgroup", process));
  const OwnedDescriptor file(::open(name, O_RDONLY | O_CLOEXEC));
  char content[8192];
  const ssize_t length = file.valid() ? ::read(file.get(), content, sizeof content) : -1;
  if (length <= 0) return false;
  const std::string line = "0::" + path_ + "\n";
  const std::string_view lines(content, static_cast<std::size_t>(length));
  const std::size_t at = lines.find(line);
  return at != std::string_view::npos && (at == 0 || lines[at - 1] == '\n');
}

void RunGroup::kill() const {
  if (kill_.valid()) static_cast<void>(write_text(kill_.get(), "1"));
}

bool RunGroup::is_empty() const { return reads_empty(events_.get()); }

bool RunGroup::remove() const {
  const OwnedDescriptor parent(::openat(directory_.get(), "..", directory_flags));
  if (!parent.valid()) return errno == ENOENT;
  remove_below(directory_.get(), 0);
  return ::unlinkat(parent.get(), name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

void clear_abandoned_groups(int base) {
  DIR* listing = list(base);
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    if (std::strncmp(entry->d_name, group_prefix.data(), group_prefix.size()) == 0) clear_abandoned(base, entry->d_name);
  }
  ::closedir(listing);
}

}  // namespace writ::watchdog
