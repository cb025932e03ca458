// The kernel's log; see the header.

#include "kernel_log.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>

#include "descriptor.h"
#include "taken_texts.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

namespace {

// Longer than any record (PRINTK_MESSAGE_MAX: 2 KiB, of which control characters take four each).
constexpr std::size_t max_record_bytes = 16 * 1024;

bool is_kernel_log(int file) {
  struct stat facts {};
  return ::fstat(file, &facts) == 0 && S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 11);
}

}  // namespace

Napi::Value open_kernel_log(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 0) return throw_argument_error(env, "expected no argument");
  UniqueDescriptor log(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!log.valid()) return throw_system_error(env, errno, "open /dev/kmsg");
  if (!is_kernel_log(log.get())) return throw_system_error(env, ENODEV, "open /dev/kmsg");
  if (::lseek(log.get(), 0, SEEK_END) < 0) return throw_system_error(env, errno, "lseek /dev/kmsg");
  return Napi::Number::New(env, log.release());
}

Napi::Value take_kernel_log(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> log = descriptor_argument(info);
  if (!log) return env.Undefined();
  char record[max_record_bytes];
  TakenTexts taken(env);
  for (;;) {
    // Each read gives one whole record, or fails and says why.
    const ssize_t length = ::read(*log, record, sizeof record);
    if (length > 0) {
      if (!taken.add(record, static_cast<std::size_t>(length))) return env.Undefined();
    } else if (length == 0 || errno == EAGAIN || errno == EWOULDBLOCK) {
      return taken.result();
    } else if (errno == EPIPE) {
      taken.lose();
    } else if (errno != EINTR) {
      return throw_system_error(env, errno, "read /dev/kmsg");
    }
  }
}

#else

Napi::Value open_kernel_log(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "openKernelLog"); }
Napi::Value take_kernel_log(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "takeKernelLog"); }

#endif

}  // namespace writ
