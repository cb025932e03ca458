// JSON (RFC 8259), read as strictly as the daemon reads it: no repeated key, NUL, lone surrogate, deep nesting or inexact
// number, any of which lets two readers see two different documents. Written in one form only, the canonical one (RFC 8785).

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "format/read.h"

namespace writ::run {

// One JSON value. Objects keep the order in which their members came.
class Json {
 public:
  using List = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(bool value) : content_(value) {}
  Json(double value) : content_(value) {}
  Json(std::string value) : content_(std::move(value)) {}
  Json(std::string_view value) : content_(std::string(value)) {}
  Json(const char* value) : content_(std::string(value)) {}
  Json(List value) : content_(std::move(value)) {}
  Json(Object value) : content_(std::move(value)) {}

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(content_); }
  // Each is null where the value is of another kind.
  [[nodiscard]] const bool* boolean() const noexcept { return std::get_if<bool>(&content_); }
  [[nodiscard]] const double* number() const noexcept { return std::get_if<double>(&content_); }
  [[nodiscard]] const std::string* text() const noexcept { return std::get_if<std::string>(&content_); }
  [[nodiscard]] const List* list() const noexcept { return std::get_if<List>(&content_); }
  [[nodiscard]] const Object* object() const noexcept { return std::get_if<Object>(&content_); }

  // The member of an object; null where there is none.
  [[nodiscard]] const Json* find(std::string_view name) const;

 private:
  std::variant<std::monostate, bool, double, std::string, List, Object> content_;
};

// Whether two documents say the same: their canonical texts are equal.
bool operator==(const Json& left, const Json& right);
inline bool operator!=(const Json& left, const Json& right) { return !(left == right); }

// Nesting beyond this is refused, as the daemon does.
inline constexpr std::size_t max_json_depth = 32;

// Reads one document from the bytes of its UTF-8 text.
Read<Json> parse_json(std::string_view bytes);

// The canonical text of a document (RFC 8785). Numbers must be whole; Writ sends no others.
std::string canonical_json(const Json& document);

// An indented text for people and for `--json`: the one that JSON.stringify(document, null, 2) writes.
std::string indented_json(const Json& document);

}  // namespace writ::run
