// Secrets behind objects; see the header.

#include "secret.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "descriptor.h"
#include "system_error.h"

namespace writ {

namespace {

// Tells our objects from all others (napi_type_tag_object), also across the two addons: the bits are random, and say
// which layout LockedBytes has.
constexpr napi_type_tag secret_tag = {0x9d1b6f02c47e4a35, 0xb8e2530f7a91d6c4};

constexpr const char* secret_expected = "expected a secret that was not wiped";

bool is_secret(Napi::Env env, const Napi::Value& value) {
  bool ours = false;
  return value.IsObject() && napi_check_object_type_tag(env, value, &secret_tag, &ours) == napi_ok && ours;
}

void forget(napi_env, void* bytes, void*) { delete static_cast<LockedBytes*>(bytes); }

// Reads to the end of the file or to the capacity, whichever comes first. 0 or an errno.
int read_all(int descriptor, LockedBytes& bytes) {
  std::size_t size = 0;
  while (size < LockedBytes::capacity) {
    const ssize_t length = ::read(descriptor, bytes.data() + size, LockedBytes::capacity - size);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    if (length == 0) break;
    size += static_cast<std::size_t>(length);
  }
  bytes.resize(size);
  return 0;
}

// Takes the end of the line off. False unless exactly one line is left, of at least one byte.
bool trim_to_line(LockedBytes& bytes) {
  std::size_t size = bytes.size();
  // A file that fills the buffer may go on behind it.
  if (size == LockedBytes::capacity) return false;
  if (size > 0 && bytes.data()[size - 1] == '\n') {
    size--;
    if (size > 0 && bytes.data()[size - 1] == '\r') size--;
  }
  bytes.resize(size);
  const auto breaks_line = [](unsigned char byte) { return byte == '\n' || byte == '\r' || byte == '\0'; };
  return size > 0 && std::none_of(bytes.data(), bytes.data() + size, breaks_line);
}

// 0 or an errno.
int write_all(int descriptor, const unsigned char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t length = ::write(descriptor, bytes, size);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    bytes += length;
    size -= static_cast<std::size_t>(length);
  }
  return 0;
}

}  // namespace

Napi::Value wrap_secret(Napi::Env env, std::unique_ptr<LockedBytes> bytes) {
  const Napi::Object object = Napi::Object::New(env);
  if (env.IsExceptionPending()) return env.Undefined();
  if (napi_type_tag_object(env, object, &secret_tag) != napi_ok ||
      napi_wrap(env, object, bytes.get(), forget, nullptr, nullptr) != napi_ok) {
    return throw_system_error(env, ENOMEM, "napi_wrap");
  }
  static_cast<void>(bytes.release());
  return object;
}

LockedBytes* unwrap_secret(Napi::Env env, const Napi::Value& value) {
  if (!is_secret(env, value)) return nullptr;
  void* bytes = nullptr;
  return napi_unwrap(env, value, &bytes) == napi_ok ? static_cast<LockedBytes*>(bytes) : nullptr;
}

LockedBytes* secret_argument(const Napi::CallbackInfo& info, std::size_t position) {
  // A value beyond the arguments is `undefined`.
  LockedBytes* bytes = unwrap_secret(info.Env(), info[position]);
  if (bytes != nullptr && bytes->size() > 0) return bytes;
  throw_argument_error(info.Env(), secret_expected);
  return nullptr;
}

std::unique_ptr<LockedBytes> allocate_secret(Napi::Env env) {
  int error = 0;
  std::unique_ptr<LockedBytes> bytes = LockedBytes::allocate(error);
  if (bytes == nullptr) throw_system_error(env, error, "mmap");
  return bytes;
}

Napi::Value read_secret(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info);
  if (!descriptor) return env.Undefined();
  std::unique_ptr<LockedBytes> bytes = allocate_secret(env);
  if (bytes == nullptr) return env.Undefined();
  const int error = read_all(*descriptor, *bytes);
  if (error != 0) return throw_system_error(env, error, "read");
  if (!trim_to_line(*bytes)) return env.Null();
  return wrap_secret(env, std::move(bytes));
}

Napi::Value generate_secret(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::unique_ptr<LockedBytes> bytes = allocate_secret(env);
  if (bytes == nullptr) return env.Undefined();
  constexpr std::size_t usual_size = 32;
  constexpr std::size_t least_size = 4;
  constexpr std::size_t random_bytes = 32;
  constexpr const char* digits = "0123456789abcdef";
  std::size_t size = usual_size;
  if (!info[0].IsUndefined()) {
    // Not a number compares as false.
    const double wanted = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    if (!(wanted >= least_size && wanted <= 2 * random_bytes) || wanted != std::floor(wanted)) {
      return throw_argument_error(env, "expected a number of digits from 4 to 64");
    }
    size = static_cast<std::size_t>(wanted);
  }
  // Behind the digits, in the same page; resize() wipes them.
  unsigned char* random = bytes->data() + 2 * random_bytes;
  if (::getentropy(random, random_bytes) != 0) return throw_system_error(env, errno, "getentropy");
  for (std::size_t position = 0; position < random_bytes; position++) {
    bytes->data()[2 * position] = static_cast<unsigned char>(digits[random[position] >> 4]);
    bytes->data()[2 * position + 1] = static_cast<unsigned char>(digits[random[position] & 15]);
  }
  bytes->resize(size);
  return wrap_secret(env, std::move(bytes));
}

Napi::Value write_secret(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<int> descriptor = descriptor_argument(info, 2);
  if (!descriptor) return env.Undefined();
  const LockedBytes* bytes = secret_argument(info, 1);
  if (bytes == nullptr) return env.Undefined();
  constexpr unsigned char newline = '\n';
  int error = write_all(*descriptor, bytes->data(), bytes->size());
  if (error == 0) error = write_all(*descriptor, &newline, 1);
  return error == 0 ? env.Undefined() : throw_system_error(env, error, "write");
}

Napi::Value equal_secrets(const Napi::CallbackInfo& info) {
  const LockedBytes* left = secret_argument(info, 0);
  if (left == nullptr) return info.Env().Undefined();
  const LockedBytes* right = secret_argument(info, 1);
  if (right == nullptr) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), left->equals(*right));
}

Napi::Value secret_is_locked(const Napi::CallbackInfo& info) {
  const LockedBytes* bytes = secret_argument(info, 0);
  return bytes == nullptr ? info.Env().Undefined() : Napi::Boolean::New(info.Env(), bytes->locked());
}

Napi::Value wipe_secret(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_secret(env, info[0])) return throw_argument_error(env, "expected one argument: a secret");
  // The page goes back at once: the collector may be long in coming, and few pages may be locked at a time.
  void* bytes = nullptr;
  if (napi_remove_wrap(env, info[0], &bytes) == napi_ok) forget(env, bytes, nullptr);
  return env.Undefined();
}

}  // namespace writ
