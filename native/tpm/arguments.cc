// Arguments; see the header.

#include "arguments.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <functional>

#include "../src/system_error.h"
#include "quote.h"

namespace writ::tpm {

namespace {

// Tells our objects from all others, also from those of other addons; the bits are random.
constexpr napi_type_tag connection_tag = {0x5e1c93d7a0f84b62, 0x8c47f2be1963d05a};

// What stands behind the object; empty once it was closed.
struct Slot {
  std::unique_ptr<Connection> connection;
};

void forget(napi_env, void* slot, void*) { delete static_cast<Slot*>(slot); }

Slot* find_slot(Napi::Env env, const Napi::Value& value) {
  bool ours = false;
  if (!value.IsObject() || napi_check_object_type_tag(env, value, &connection_tag, &ours) != napi_ok || !ours) {
    return nullptr;
  }
  void* slot = nullptr;
  return napi_unwrap(env, value, &slot) == napi_ok ? static_cast<Slot*>(slot) : nullptr;
}

}  // namespace

Napi::Value wrap_connection(Napi::Env env, std::unique_ptr<Connection> connection) {
  auto slot = std::make_unique<Slot>(Slot{std::move(connection)});
  const Napi::Object object = Napi::Object::New(env);
  if (env.IsExceptionPending()) return env.Undefined();
  if (napi_type_tag_object(env, object, &connection_tag) != napi_ok ||
      napi_wrap(env, object, slot.get(), forget, nullptr, nullptr) != napi_ok) {
    return throw_system_error(env, ENOMEM, "napi_wrap");
  }
  static_cast<void>(slot.release());
  return object;
}

bool close_connection(Napi::Env env, const Napi::Value& value) {
  Slot* slot = find_slot(env, value);
  if (slot == nullptr) return false;
  slot->connection.reset();
  return true;
}

Arguments::Arguments(const Napi::CallbackInfo& info, std::size_t count) : info_(info) {
  if (info.Length() != count) complain("another number of arguments was expected");
}

Connection* Arguments::connection() {
  const Slot* slot = find_slot(info_.Env(), info_[0]);
  if (slot == nullptr || slot->connection == nullptr) {
    complain("expected an open connection as the first argument");
    return nullptr;
  }
  return slot->connection.get();
}

std::uint32_t Arguments::number(std::size_t position, std::uint32_t least, std::uint32_t most, const char* expected) {
  const Napi::Value value = info_[position];
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= least && number <= most && std::floor(number) == number) return static_cast<std::uint32_t>(number);
  }
  complain(expected);
  return least;
}

TPM2_HANDLE Arguments::persistent(std::size_t position) {
  return number(position, TPM2_PERSISTENT_FIRST, TPM2_PLATFORM_PERSISTENT - 1,
                "expected a persistent handle from 0x81000000 to 0x817fffff");
}

TPM2_HANDLE Arguments::index(std::size_t position) {
  return number(position, TPM2_NV_INDEX_FIRST, TPM2_NV_INDEX_LAST,
                "expected an NV index from 0x01000000 to 0x01ffffff");
}

Bytes Arguments::bytes(std::size_t position, std::size_t least, std::size_t most, const char* expected) {
  const Napi::Value value = info_[position];
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    const auto array = value.As<Napi::Uint8Array>();
    const std::size_t size = array.ElementLength();
    if (size >= least && size <= most) {
      return size == 0 ? Bytes() : Bytes(array.Data(), array.Data() + size);
    }
  }
  complain(expected);
  return Bytes();
}

Bytes Arguments::pcrs(std::size_t position) {
  constexpr const char* expected = "expected PCR indexes from 0 to 23 in ascending order";
  Bytes indexes = bytes(position, 1, pcr_count, expected);
  const bool ascend = std::is_sorted(indexes.begin(), indexes.end(), std::less_equal<std::uint8_t>());
  if (!indexes.empty() && (!ascend || indexes.back() >= pcr_count)) {
    complain(expected);
    return Bytes();
  }
  return indexes;
}

std::uint64_t Arguments::count(std::size_t position) {
  constexpr double exact_below = 9007199254740992.0;
  const Napi::Value value = info_[position];
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= 0 && number < exact_below && std::floor(number) == number) return static_cast<std::uint64_t>(number);
  }
  complain("expected a counter's value from 0 to 2^53 - 1");
  return 0;
}

bool Arguments::boolean(std::size_t position, const char* expected) {
  const Napi::Value value = info_[position];
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  complain(expected);
  return false;
}

bool Arguments::valid() {
  if (complaint_ == nullptr) return true;
  throw_argument_error(info_.Env(), complaint_);
  return false;
}

void Arguments::complain(const char* expected) {
  if (complaint_ == nullptr) complaint_ = expected;
}

}  // namespace writ::tpm
