// File system of an open file; see the header.

#include "file_system.h"

#ifdef __linux__
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <optional>

#include "descriptor.h"
#endif

#include "system_error.h"

namespace writ {

#ifdef __linux__

Napi::Value file_system(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  struct statfs facts{};
  if (::fstatfs(*descriptor, &facts) != 0) return throw_system_error(env, errno, "fstatfs");
  // The kernel sets this bit in every answer whose flags hold at all.
  constexpr auto flags_valid = 0x0020;
  const bool nosuid = (facts.f_flags & flags_valid) == 0 || (facts.f_flags & ST_NOSUID) != 0;

  Napi::Object result = Napi::Object::New(env);
  // Magic numbers have 32 bits, and some have the highest one set: read them without a sign.
  result["type"] = Napi::Number::New(env, static_cast<std::uint32_t>(facts.f_type));
  result["nosuid"] = Napi::Boolean::New(env, nosuid);
  return result;
}

#else

Napi::Value file_system(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "fileSystem"); }

#endif

}  // namespace writ
