// File descriptors; see the header.

#include "descriptor.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <limits>

#include "system_error.h"

namespace writ {

std::optional<int> descriptor_argument(const Napi::CallbackInfo& info, std::size_t count) {
  if (info.Length() == count && info[0].IsNumber()) {
    const double number = info[0].As<Napi::Number>().DoubleValue();
    if (number >= 0 && number <= std::numeric_limits<int>::max() && std::floor(number) == number) {
      return static_cast<int>(number);
    }
  }
  throw_argument_error(info.Env(), count == 1 ? "expected one argument: a file descriptor"
                                             : "expected a file descriptor as the first argument");
  return std::nullopt;
}

Napi::Value close_fd(const Napi::CallbackInfo& info) {
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return info.Env().Undefined();
  // After EINTR Linux has closed the descriptor; to close it again could hit one that another thread opened since.
  if (::close(*descriptor) != 0 && errno != EINTR) return throw_system_error(info.Env(), errno, "close");
  return info.Env().Undefined();
}

}  // namespace writ
