// Peer credentials on Linux; the header says what each function returns.

#ifdef __linux__

#include "peer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "process_facts.h"
#include "system_error.h"

// Debian 12's headers are older than the option. Alpha, MIPS, PA-RISC and SPARC number it otherwise.
#ifndef SO_PEERPIDFD
#if defined(__alpha__) || defined(__mips__) || defined(__hppa__) || defined(__sparc__)
#error "the number of SO_PEERPIDFD on this architecture must come from newer kernel headers"
#endif
#define SO_PEERPIDFD 77
#endif

namespace writ {

namespace {

// Nothing that the kernel returns is longer: 65,536 groups of 4 bytes (NGROUPS_MAX).
constexpr socklen_t longest_option_bytes = 65536 * sizeof(gid_t);

// An option of variable length. 0 and the value, or the errno of getsockopt.
int read_option(int descriptor, int option, std::vector<char>& value) {
  socklen_t size = 256;
  for (;;) {
    value.resize(size);
    socklen_t needed = size;
    if (::getsockopt(descriptor, SOL_SOCKET, option, value.data(), &needed) == 0) {
      value.resize(needed);
      return 0;
    }
    // ERANGE comes with the length that would have been enough.
    if (errno != ERANGE || needed <= size || needed > longest_option_bytes) return errno;
    size = needed;
  }
}

// Field 22 of /proc/PID/stat, in clock ticks since boot; empty for a process that has ended or cannot be seen
// (proc_pid_stat(5)).
std::optional<double> read_start_time(pid_t pid) {
  char path[32];
  static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d/stat", pid));
  const UniqueDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  // The line has some 300 bytes; the process itself chooses at most 64 of them, its name.
  char line[1024];
  const ssize_t length = ::read(file.get(), line, sizeof line - 1);
  if (length <= 0) return std::nullopt;
  line[length] = '\0';
  // The name in parentheses may hold anything, so everything is counted from the last one.
  const char* rest = std::strrchr(line, ')');
  char state = 0;
  unsigned long long start_time = 0;
  if (rest == nullptr ||
      std::sscanf(rest + 1,
                  " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state,
                  &start_time) != 2) {
    return std::nullopt;
  }
  if (state == 'Z' || state == 'X') return std::nullopt;
  return static_cast<double>(start_time);
}

Napi::Array groups_to_script(Napi::Env env, const std::vector<char>& bytes) {
  const std::size_t count = bytes.size() / sizeof(gid_t);
  Napi::Array groups = Napi::Array::New(env, count);
  for (std::size_t position = 0; position < count; position++) {
    gid_t group = 0;
    std::memcpy(&group, bytes.data() + position * sizeof group, sizeof group);
    groups[static_cast<std::uint32_t>(position)] = Napi::Number::New(env, group);
  }
  return groups;
}

}  // namespace

Napi::Value connected_peer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info, 2);
  if (!descriptor) return env.Undefined();
  if (!info[1].IsBoolean()) return throw_argument_error(env, "expected whether a pidfd shall be had");
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(*descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return throw_system_error(env, errno, "getsockopt SO_PEERCRED");
  }
  // The kernel answers for a socket without a peer too, with nobody's ids.
  if (credentials.uid == static_cast<uid_t>(-1)) return throw_system_error(env, ENOTCONN, "getsockopt SO_PEERCRED");
  int pidfd = -1;
  if (info[1].As<Napi::Boolean>().Value()) {
    size = sizeof pidfd;
    if (::getsockopt(*descriptor, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) != 0) {
      return throw_system_error(env, errno, "getsockopt SO_PEERPIDFD");
    }
  }
  UniqueDescriptor owned(pidfd);
  std::vector<char> groups;
  int error = read_option(*descriptor, SO_PEERGROUPS, groups);
  if (error != 0) return throw_system_error(env, error, "getsockopt SO_PEERGROUPS");
  std::vector<char> label;
  error = read_option(*descriptor, SO_PEERSEC, label);
  const bool has_label = error != ENOPROTOOPT;
  if (error != 0 && has_label) return throw_system_error(env, error, "getsockopt SO_PEERSEC");
  // Last, so that a pidfd that is alive behind it says that the time is of this process, and not of a later one.
  const std::optional<double> start_time = read_start_time(credentials.pid);
  const bool alive = start_time && (!owned.valid() || process_is_alive(owned.get()));

  Napi::Object result = Napi::Object::New(env);
  result["pid"] = Napi::Number::New(env, credentials.pid);
  result["uid"] = Napi::Number::New(env, credentials.uid);
  result["gid"] = Napi::Number::New(env, credentials.gid);
  result["groups"] = groups_to_script(env, groups);
  // Some security modules count a closing NUL, others do not.
  result["label"] = has_label ? Napi::Value(Napi::String::New(env, label.data(), ::strnlen(label.data(), label.size())))
                              : env.Null();
  result["startTime"] = alive ? Napi::Value(Napi::Number::New(env, *start_time)) : env.Null();
  result["pidfd"] = owned.valid() ? Napi::Value(Napi::Number::New(env, pidfd)) : env.Null();
  if (env.IsExceptionPending()) return env.Undefined();
  static_cast<void>(owned.release());
  return result;
}

Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const UniqueDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return throw_system_error(env, errno, "socket");
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  // Without a peer a kernel that knows the option answers ENODATA; one that does not, ENOPROTOOPT.
  if (::getsockopt(probe.get(), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    const UniqueDescriptor owned(pidfd);
    return Napi::Boolean::New(env, true);
  }
  return Napi::Boolean::New(env, errno != ENOPROTOOPT);
}

Napi::Value pidfd_alive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  pollfd polled{*descriptor, POLLIN, 0};
  int ready = -1;
  do {
    ready = ::poll(&polled, 1, 0);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return throw_system_error(env, errno, "poll");
  if ((polled.revents & POLLNVAL) != 0) return throw_system_error(env, EBADF, "poll");
  return Napi::Boolean::New(env, ready == 0);
}

}  // namespace writ

#endif  // __linux__
