// Turns errno values into JavaScript errors; see the header.

#include "system_error.h"

#include <uv.h>

#include <array>
#include <cerrno>
#include <string>

namespace writ {

Napi::Value throw_system_error(Napi::Env env, int error_number, const char* syscall, const char* code) {
  // On Unix libuv's codes are negated errno values, and it names them the same way on every platform.
  std::array<char, 64> name{};
  std::array<char, 256> explanation{};
  uv_err_name_r(-error_number, name.data(), name.size());
  uv_strerror_r(-error_number, explanation.data(), explanation.size());
  const std::string shown = code != nullptr ? code : name.data();

  Napi::Error error = Napi::Error::New(env, shown + ": " + explanation.data() + ", " + syscall);
  error.Set("code", shown);
  error.Set("errno", static_cast<double>(-error_number));
  error.Set("syscall", std::string(syscall));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value throw_argument_error(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

#ifndef __linux__
Napi::Value throw_unavailable(Napi::Env env, const char* function) {
  return throw_system_error(env, ENOSYS, function);
}
#endif

}  // namespace writ
