// State of a file; see the header.

#include "file_state.h"

#ifdef __linux__
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "descriptor.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

namespace {

std::int64_t nanoseconds(const struct statx_timestamp& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// O_PATH reaches no driver; RESOLVE_CACHED fails instead of waiting (openat2(2)).
int open_cached(const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

}  // namespace

int read_file_state(int directory, const char* path, int flags, FileState& state) {
  struct statx facts{};
  constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_CTIME;
  if (::statx(directory, path, flags | AT_STATX_DONT_SYNC, wanted, &facts) != 0) return errno;
  if ((facts.stx_mask & wanted) != wanted) return ENODATA;
  state.device = static_cast<std::uint64_t>(makedev(facts.stx_dev_major, facts.stx_dev_minor));
  state.inode = facts.stx_ino;
  state.size_bytes = facts.stx_size;
  state.modified_ns = nanoseconds(facts.stx_mtime);
  state.changed_ns = nanoseconds(facts.stx_ctime);
  state.mode = facts.stx_mode;
  return 0;
}

void append_identity(const FileState& state, std::string& text) {
  char identity[128];
  const int length =
      std::snprintf(identity, sizeof identity, "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRId64 ":%" PRId64, state.device,
                    state.inode, state.size_bytes, state.modified_ns, state.changed_ns);
  text.append(identity, static_cast<std::size_t>(length));
}

Napi::Value cached_executable(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_argument_error(env, "expected one argument: a path");
  char path[4096];
  std::size_t length = 0;
  if (napi_get_value_string_utf8(env, info[0], path, sizeof path, &length) != napi_ok) return env.Null();
  // A path that was cut to fit is another path.
  if (length + 1 >= sizeof path || path[0] != '/') return env.Null();
  const UniqueDescriptor file(open_cached(path));
  if (!file.valid()) return env.Null();
  FileState state{};
  if (read_file_state(file.get(), "", AT_EMPTY_PATH, state) != 0) return env.Null();
  constexpr std::uint16_t anyone_may_execute = 0111;
  if (!S_ISREG(state.mode) || (state.mode & anyone_may_execute) == 0) return env.Null();
  std::string identity;
  append_identity(state, identity);
  napi_value text = nullptr;
  if (napi_create_string_latin1(env, identity.data(), identity.size(), &text) != napi_ok) return env.Null();
  return {env, text};
}

#else

Napi::Value cached_executable(const Napi::CallbackInfo& info) { return info.Env().Null(); }

#endif

}  // namespace writ
