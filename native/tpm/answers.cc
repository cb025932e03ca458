// Results for JavaScript; see the header.

#include "answers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "failure.h"

namespace writ::tpm {

Napi::Value throw_failure(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure_message(failure));
  if (env.IsExceptionPending()) return env.Undefined();
  error.Set("code", std::string(failure_code(failure)));
  error.Set("command", std::string(failure.command));
  if (failure.rc == TSS2_RC_SUCCESS) {
    error.Set("rc", env.Null());
  } else {
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), "0x%08x", failure.rc);
    error.Set("rc", std::string(number.data()));
  }
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value to_script(Napi::Env env, const Bytes& bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (env.IsExceptionPending()) return env.Undefined();
  if (!bytes.empty()) std::copy(bytes.begin(), bytes.end(), array.Data());
  return array;
}

Napi::Object named_bytes(Napi::Env env, std::initializer_list<std::pair<const char*, const Bytes*>> members) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, bytes] : members) object[name] = to_script(env, *bytes);
  return object;
}

Napi::Value answer(Napi::Env env, Connection& connection, const MaybeFailure& failure) {
  const MaybeFailure unflushed = connection.take_unflushed();
  if (failure) return throw_failure(env, *failure);
  if (unflushed) return throw_failure(env, *unflushed);
  return env.Undefined();
}

}  // namespace writ::tpm
