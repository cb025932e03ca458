// What every reader of this launcher returns: a value, or the sentence that says why the bytes are none. No exceptions,
// no value that stands for an error.

#pragma once

#include <string>
#include <utility>
#include <variant>

namespace writ::run {

// Why something could not be read, as the end of a sentence ("not canonical base64").
struct Unreadable {
  std::string why;
};

template <typename Value>
class [[nodiscard]] Read {
 public:
  Read(Value value) : content_(std::in_place_index<1>, std::move(value)) {}
  Read(Unreadable unreadable) : content_(std::in_place_index<0>, std::move(unreadable)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return content_.index() == 1; }
  // Only where there is a value, respectively none; anything else ends the process.
  [[nodiscard]] const Value& operator*() const { return *checked(std::get_if<1>(&content_)); }
  [[nodiscard]] Value& operator*() { return *checked(std::get_if<1>(&content_)); }
  [[nodiscard]] const Value* operator->() const { return checked(std::get_if<1>(&content_)); }
  [[nodiscard]] const std::string& why() const { return checked(std::get_if<0>(&content_))->why; }

 private:
  template <typename Part>
  static Part* checked(Part* part) {
    if (part == nullptr) __builtin_trap();
    return part;
  }

  std::variant<Unreadable, Value> content_;
};

}  // namespace writ::run
