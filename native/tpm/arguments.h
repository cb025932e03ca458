// What JavaScript passes in, checked before anything reaches the TPM.

#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "bytes.h"
#include "connection.h"

namespace writ::tpm {

// The object that stands for an open connection in JavaScript; it closes the connection when it is collected.
Napi::Value wrap_connection(Napi::Env env, std::unique_ptr<Connection> connection);

// Closes the connection behind the object; a second time does nothing. False: the value is no such object.
bool close_connection(Napi::Env env, const Napi::Value& value);

// Reads the arguments of one call, in any order. What is wrong gives a harmless value and is kept; valid() tells.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, std::size_t count);

  // The open connection that is the first argument.
  Connection* connection();
  // A whole number from `least` to `most`.
  std::uint32_t number(std::size_t position, std::uint32_t least, std::uint32_t most, const char* expected);
  // A persistent handle of the owner hierarchy (0x81000000 to 0x817fffff; Part 2, section 7.2).
  TPM2_HANDLE persistent(std::size_t position);
  // An NV index (0x01000000 to 0x01ffffff).
  TPM2_HANDLE index(std::size_t position);
  // A Uint8Array of `least` to `most` bytes, copied.
  Bytes bytes(std::size_t position, std::size_t least, std::size_t most, const char* expected);
  // PCR indexes as a Uint8Array: below 24, ascending, at least one.
  Bytes pcrs(std::size_t position);
  // A counter's value: a whole number from 0 to 2^53 - 1.
  std::uint64_t count(std::size_t position);
  bool boolean(std::size_t position, const char* expected);

  // True if every argument read so far was right. Otherwise a TypeError is pending.
  [[nodiscard]] bool valid();

 private:
  void complain(const char* expected);

  const Napi::CallbackInfo& info_;
  const char* complaint_ = nullptr;
};

}  // namespace writ::tpm
