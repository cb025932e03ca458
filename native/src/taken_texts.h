// Messages of the kernel on their way to JavaScript: { texts: string[], lost: boolean }, or null when there is nothing to tell,
// which is nearly always and costs no allocation.

#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace writ {

class TakenTexts {
 public:
  explicit TakenTexts(Napi::Env env) noexcept : env_(env) {}

  // Adds a message, one character for each byte. False when JavaScript has no room for it.
  [[nodiscard]] bool add(const char* bytes, std::size_t length) {
    napi_value text = nullptr;
    if (texts_ == nullptr && napi_create_array(env_, &texts_) != napi_ok) return false;
    return napi_create_string_latin1(env_, bytes, length, &text) == napi_ok &&
           napi_set_element(env_, texts_, count_++, text) == napi_ok;
  }

  // At least one message is missing or cut.
  void lose() noexcept { lost_ = true; }

  Napi::Value result() {
    if (texts_ == nullptr && !lost_) return env_.Null();
    if (texts_ == nullptr && napi_create_array(env_, &texts_) != napi_ok) return env_.Undefined();
    Napi::Object taken = Napi::Object::New(env_);
    taken.Set("texts", texts_);
    taken.Set("lost", Napi::Boolean::New(env_, lost_));
    return taken;
  }

 private:
  Napi::Env env_;
  napi_value texts_ = nullptr;
  std::uint32_t count_ = 0;
  bool lost_ = false;
};

}  // namespace writ
