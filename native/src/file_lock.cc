// An exclusive lock on a file; see the header.

#include "file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <string>

#include "descriptor.h"
#include "system_error.h"

namespace writ {

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) {
    return throw_argument_error(env, "expected one argument: a path");
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  if (path.find('\0') != std::string::npos) return throw_argument_error(env, "a path cannot hold NUL");

  UniqueDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return throw_system_error(env, errno, "open");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    // EWOULDBLOCK and EAGAIN are one number; only the first says what happened.
    return throw_system_error(env, errno, "flock", errno == EWOULDBLOCK ? "EWOULDBLOCK" : nullptr);
  }
  return Napi::Number::New(env, file.release());
}

}  // namespace writ
