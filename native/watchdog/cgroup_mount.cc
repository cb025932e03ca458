// The mount of the unified hierarchy; see the header.

#include "cgroup_mount.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "owned_descriptor.h"

namespace writ::watchdog {

namespace {

// Spaces, tabs, newlines and backslashes stand as three octal digits behind a backslash.
std::string unescaped(std::string_view field) {
  std::string path;
  for (std::size_t at = 0; at < field.size(); at++) {
    if (field[at] == '\\' && at + 3 < field.size()) {
      path.push_back(static_cast<char>((field[at + 1] - '0') * 64 + (field[at + 2] - '0') * 8 + (field[at + 3] - '0')));
      at += 3;
    } else {
      path.push_back(field[at]);
    }
  }
  return path;
}

std::string_view take(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return part;
}

bool is_writable(std::string_view options) {
  while (!options.empty()) {
    if (take(options, ',') == "rw") return true;
  }
  return false;
}

}  // namespace

CgroupMount parse_cgroup_mount(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    std::string_view line = take(mountinfo, '\n');
    // id parent device root directory options [optional ...] - type ...
    std::array<std::string_view, 6> fields{};
    for (std::string_view& field : fields) field = take(line, ' ');
    while (!line.empty() && take(line, ' ') != "-") {
    }
    if (take(line, ' ') != "cgroup2" || !is_writable(fields[5])) continue;
    std::string root = unescaped(fields[3]);
    if (root == "/") root.clear();
    return {unescaped(fields[4]), root};
  }
  return {};
}

CgroupMount find_cgroup_mount() {
  const OwnedDescriptor file(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return {};
  std::string content;
  char part[4096];
  for (;;) {
    const ssize_t length = ::read(file.get(), part, sizeof part);
    if (length <= 0) break;
    content.append(part, static_cast<std::size_t>(length));
  }
  return parse_cgroup_mount(content);
}

}  // namespace writ::watchdog
