// PIN calls of a PKCS#11 module; see the header.

#include "token_login.h"

#include <dlfcn.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "secret.h"
#include "system_error.h"

namespace writ {

namespace {

// PKCS#11 v2.40 and v3.0, chapter 3 (data types) and section 5.1: only what these calls need, so that no vendor's header
// is a part of the build. On Unix the structures have the compiler's own alignment.
using CkUlong = unsigned long;
using CkByte = unsigned char;
struct CkVersion {
  CkByte major;
  CkByte minor;
};
using AnyFunction = CkUlong (*)();

// The beginning of CK_FUNCTION_LIST: the version, and the functions in the order that the standard fixed for ever. v3.0
// gives the same list to those who ask in this way.
struct CkFunctionList {
  CkVersion version;
  std::array<AnyFunction, 9> initialize_to_get_mechanism_info;
  CkUlong (*init_token)(CkUlong slot, CkByte* pin, CkUlong pin_size, CkByte* label);
  CkUlong (*init_pin)(CkUlong session, CkByte* pin, CkUlong pin_size);
  std::array<AnyFunction, 7> set_pin_to_set_operation_state;
  CkUlong (*login)(CkUlong session, CkUlong user_type, CkByte* pin, CkUlong pin_size);
};
using GetFunctionList = CkUlong (*)(CkFunctionList** list);

constexpr std::size_t label_bytes = 32;

// Holds a library for as long as its functions are called.
class LoadedLibrary {
 public:
  // RTLD_NOLOAD: never loads one, so that it is the instance in which the session lives, or none.
  explicit LoadedLibrary(const char* path) noexcept : handle_(::dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD)) {}
  LoadedLibrary(const LoadedLibrary&) = delete;
  LoadedLibrary& operator=(const LoadedLibrary&) = delete;
  ~LoadedLibrary() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  [[nodiscard]] bool valid() const noexcept { return handle_ != nullptr; }

  // Null when it is no PKCS#11 module.
  [[nodiscard]] const CkFunctionList* functions() const noexcept {
    const auto get_list = reinterpret_cast<GetFunctionList>(::dlsym(handle_, "C_GetFunctionList"));
    CkFunctionList* list = nullptr;
    if (get_list == nullptr || get_list(&list) != 0) return nullptr;
    return list;
  }

 private:
  void* handle_;
};

// A session's handle or a slot's id, as the PKCS#11 binding gives it: the bytes of a CK_ULONG.
std::optional<CkUlong> handle_argument(const Napi::Value& value) {
  if (!value.IsBuffer()) return std::nullopt;
  const auto bytes = value.As<Napi::Buffer<unsigned char>>();
  if (bytes.Length() != sizeof(CkUlong)) return std::nullopt;
  CkUlong handle = 0;
  std::memcpy(&handle, bytes.Data(), sizeof handle);
  return handle;
}

// Finds the module that the first argument names and makes one call to it.
template <typename Call>
Napi::Value call_module(const Napi::CallbackInfo& info, Call call) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const LoadedLibrary library(path.c_str());
  if (!library.valid()) return throw_system_error(env, ENOENT, "dlopen");
  const CkFunctionList* functions = library.functions();
  if (functions == nullptr) return throw_system_error(env, ENOSYS, "C_GetFunctionList");
  const std::optional<CkUlong> value = call(*functions);
  if (!value) return throw_system_error(env, ENOSYS, "C_GetFunctionList");
  return Napi::Number::New(env, static_cast<double>(*value));
}

}  // namespace

Napi::Value token_login(const Napi::CallbackInfo& info) {
  const std::optional<CkUlong> session = handle_argument(info[1]);
  if (info.Length() != 4 || !info[0].IsString() || !session || !info[2].IsNumber()) {
    return throw_argument_error(info.Env(), "expected a module's path, a session, a user type and a secret");
  }
  const CkUlong user_type = info[2].As<Napi::Number>().Uint32Value();
  LockedBytes* pin = secret_argument(info, 3);
  if (pin == nullptr) return info.Env().Undefined();
  return call_module(info, [&](const CkFunctionList& functions) -> std::optional<CkUlong> {
    if (functions.login == nullptr) return std::nullopt;
    return functions.login(*session, user_type, pin->data(), pin->size());
  });
}

Napi::Value token_init_pin(const Napi::CallbackInfo& info) {
  const std::optional<CkUlong> session = handle_argument(info[1]);
  if (info.Length() != 3 || !info[0].IsString() || !session) {
    return throw_argument_error(info.Env(), "expected a module's path, a session and a secret");
  }
  LockedBytes* pin = secret_argument(info, 2);
  if (pin == nullptr) return info.Env().Undefined();
  return call_module(info, [&](const CkFunctionList& functions) -> std::optional<CkUlong> {
    if (functions.init_pin == nullptr) return std::nullopt;
    return functions.init_pin(*session, pin->data(), pin->size());
  });
}

Napi::Value token_init(const Napi::CallbackInfo& info) {
  const std::optional<CkUlong> slot = handle_argument(info[1]);
  if (info.Length() != 4 || !info[0].IsString() || !slot || !info[3].IsString()) {
    return throw_argument_error(info.Env(), "expected a module's path, a slot, a secret and a label");
  }
  LockedBytes* pin = secret_argument(info, 2);
  if (pin == nullptr) return info.Env().Undefined();
  const std::string text = info[3].As<Napi::String>().Utf8Value();
  if (text.size() > label_bytes) return throw_argument_error(info.Env(), "a label has at most 32 bytes");
  // Filled up with blanks and without an end (C_InitToken).
  std::array<CkByte, label_bytes> label;
  label.fill(' ');
  std::memcpy(label.data(), text.data(), text.size());
  return call_module(info, [&](const CkFunctionList& functions) -> std::optional<CkUlong> {
    if (functions.init_token == nullptr) return std::nullopt;
    return functions.init_token(*slot, pin->data(), pin->size(), label.data());
  });
}

}  // namespace writ
