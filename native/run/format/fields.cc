// Closed schemas; see the header.

#include "format/fields.h"

#include <algorithm>
#include <cmath>

#include "format/exact_text.h"
#include "format/instant.h"

namespace writ::run {

namespace {

const Json nothing;
const Json::List no_items;
constexpr std::string_view id_prefix = "sha3-512:";

}  // namespace

void Faults::note(std::string_view path, std::string_view what) {
  if (!first_.empty()) return;
  if (!path.empty()) first_.append(path).append(": ");
  first_.append(what);
}

Fields::Fields(const Json& value, std::string path, Faults& faults)
    : value_(value), path_(std::move(path)), faults_(faults) {
  if (value.object() == nullptr) faults_.note(path_, "must be an object");
}

Fields::~Fields() {
  if (is_open_ || value_.object() == nullptr) return;
  for (const Json::Member& member : *value_.object()) {
    if (std::find(asked_.begin(), asked_.end(), member.first) == asked_.end())
      faults_.note(path_, "unknown field " + member.first);
  }
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::fault(std::string_view name, std::string_view what) { faults_.note(path_of(name), what); }

const Json& Fields::any(std::string_view name) {
  const Json* member = optional(name);
  if (member != nullptr) return *member;
  fault(name, "is missing");
  return nothing;
}

const Json* Fields::optional(std::string_view name) {
  asked_.push_back(name);
  return value_.find(name);
}

std::string Fields::text(std::string_view name, std::size_t min, std::size_t max) {
  const std::string* text = any(name).text();
  if (text == nullptr) return fault(name, "must be a text"), std::string();
  const std::size_t length = utf16_length(*text);
  if (length < min || length > max) fault(name, "has a length that is not permitted");
  return *text;
}

std::optional<std::string> Fields::nullable_text(std::string_view name, std::size_t min, std::size_t max) {
  const Json* member = value_.find(name);
  if (member == nullptr || !member->is_null()) return text(name, min, max);
  asked_.push_back(name);
  return std::nullopt;
}

void Fields::literal(std::string_view name, std::string_view expected) {
  const std::string* text = any(name).text();
  if (text == nullptr || *text != expected) fault(name, "must be " + std::string(expected));
}

std::string Fields::one_of(std::string_view name, std::initializer_list<std::string_view> choices) {
  const std::string* text = any(name).text();
  if (text != nullptr && std::find(choices.begin(), choices.end(), *text) != choices.end()) return *text;
  fault(name, "is none of the permitted words");
  return {};
}

std::int64_t Fields::whole(std::string_view name, std::int64_t min, std::int64_t max) {
  const Json& member = any(name);
  if (is_whole(member, min, max)) return static_cast<std::int64_t>(*member.number());
  fault(name, "must be a whole number within its bounds");
  return min;
}

std::optional<std::int64_t> Fields::nullable_whole(std::string_view name, std::int64_t min, std::int64_t max) {
  const Json* member = value_.find(name);
  if (member == nullptr || !member->is_null()) return whole(name, min, max);
  asked_.push_back(name);
  return std::nullopt;
}

std::string Fields::hex(std::string_view name, std::size_t bytes) {
  const std::string* text = any(name).text();
  if (text != nullptr && is_hex(*text, bytes)) return *text;
  fault(name, "must be lower-case hexadecimal digits of the right number");
  return {};
}

std::string Fields::id(std::string_view name) {
  const std::string* text = any(name).text();
  if (text != nullptr && is_artifact_id(*text)) return *text;
  fault(name, "must be an id: sha3-512: and 128 lower-case hexadecimal digits");
  return {};
}

std::optional<std::string> Fields::nullable_id(std::string_view name) {
  const Json* member = value_.find(name);
  if (member == nullptr || !member->is_null()) return id(name);
  asked_.push_back(name);
  return std::nullopt;
}

std::string Fields::base64(std::string_view name, std::size_t bytes) {
  const std::string* text = any(name).text();
  if (text != nullptr) {
    const Read<Bytes> decoded = base64_decode(*text);
    if (decoded && decoded->size() == bytes) return *text;
  }
  fault(name, "must be base64 of " + std::to_string(bytes) + " bytes");
  return {};
}

std::int64_t Fields::instant(std::string_view name) {
  const std::string* text = any(name).text();
  if (text != nullptr) {
    const Read<std::int64_t> time = parse_instant(*text);
    if (time) return *time;
  }
  fault(name, "must be an RFC 3339 time in UTC with milliseconds");
  return 0;
}

const Json& Fields::exact_text(std::string_view name) {
  const Json& member = any(name);
  if (!exact_bytes(member)) fault(name, "must be a string, or base64 of bytes that are not UTF-8");
  return member;
}

const Json::List& Fields::list(std::string_view name, std::size_t max) {
  const Json::List* items = any(name).list();
  if (items == nullptr) return fault(name, "must be a list"), no_items;
  if (items->size() > max) fault(name, "is too long a list");
  return *items;
}

bool is_artifact_id(std::string_view text) {
  return text.substr(0, id_prefix.size()) == id_prefix && is_hex(text.substr(id_prefix.size()), 64);
}

bool is_whole(const Json& value, std::int64_t min, std::int64_t max) {
  const double* number = value.number();
  return number != nullptr && std::floor(*number) == *number && *number >= static_cast<double>(min) &&
         *number <= static_cast<double>(max);
}

}  // namespace writ::run
