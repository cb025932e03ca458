// The PID namespaces around a process; see the header.

#include "pid_namespaces.h"

#ifdef __linux__
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "descriptor.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

namespace {

// PID namespaces lie at most 32 deep (pid_namespaces(7)).
constexpr std::uint32_t max_depth = 33;

}  // namespace

Napi::Value pid_namespaces(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_argument_error(env, "expected one argument: a pid");
  struct stat own {};
  if (::stat("/proc/self/ns/pid", &own) != 0) return throw_system_error(env, errno, "stat /proc/self/ns/pid");
  char path[32];
  static_cast<void>(std::snprintf(path, sizeof path, "/proc/%d/ns/pid", info[0].As<Napi::Number>().Int32Value()));
  std::optional<UniqueDescriptor> level(::open(path, O_RDONLY | O_CLOEXEC));
  if (!level->valid()) return throw_system_error(env, errno, "open /proc/PID/ns/pid");
  Napi::Array inodes = Napi::Array::New(env);
  for (std::uint32_t depth = 0; depth < max_depth; depth++) {
    struct stat facts {};
    if (::fstat(level->get(), &facts) != 0) return throw_system_error(env, errno, "fstat /proc/PID/ns/pid");
    inodes[depth] = Napi::String::New(env, std::to_string(facts.st_ino));
    if (facts.st_ino == own.st_ino) return inodes;
    UniqueDescriptor parent(::ioctl(level->get(), NS_GET_PARENT));
    if (!parent.valid()) {
      // What lies outside of our own namespace is not shown.
      if (errno == EPERM) return inodes;
      return throw_system_error(env, errno, "ioctl NS_GET_PARENT");
    }
    level.emplace(std::move(parent));
  }
  return throw_system_error(env, ELOOP, "ioctl NS_GET_PARENT");
}

#else

Napi::Value pid_namespaces(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "pidNamespaces"); }

#endif

}  // namespace writ
