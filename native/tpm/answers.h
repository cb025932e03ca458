// How results of operations reach JavaScript: values, or Errors with `code`, `rc` and `command`.

#pragma once

#include <napi.h>

#include <initializer_list>
#include <utility>

#include "bytes.h"
#include "connection.h"
#include "result.h"

namespace writ::tpm {

// Leaves an Error pending and returns undefined. `rc` is the number as text ("0x00000921"), or null where none explains
// the failure.
Napi::Value throw_failure(Napi::Env env, const Failure& failure);

Napi::Value to_script(Napi::Env env, const Bytes& bytes);

// An object with a Uint8Array for each name.
Napi::Object named_bytes(Napi::Env env, std::initializer_list<std::pair<const char*, const Bytes*>> members);

// What an operation ended with, converted by `convert(value)`. An operation that succeeded but left something in the TPM
// has failed: the next ones would find its slots taken.
template <typename T, typename Convert>
Napi::Value answer(Napi::Env env, Connection& connection, Result<T> result, Convert convert) {
  const MaybeFailure unflushed = connection.take_unflushed();
  if (result.failed()) return throw_failure(env, result.failure());
  if (unflushed) return throw_failure(env, *unflushed);
  return convert(result.value());
}

inline Napi::Value answer(Napi::Env env, Connection& connection, Result<Bytes> result) {
  return answer(env, connection, std::move(result), [env](const Bytes& bytes) { return to_script(env, bytes); });
}

Napi::Value answer(Napi::Env env, Connection& connection, const MaybeFailure& failure);

}  // namespace writ::tpm
