// Reads JSON objects by closed schemas: each member is asked for once, by name and kind, and whatever nobody asked for is a
// fault. The first fault is kept with its path; after it, values are empty and must not be used.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/json.h"
#include "format/text.h"

namespace writ::run {

// The largest whole number that JSON carries exactly (2^53 - 1).
inline constexpr std::int64_t max_whole = 9007199254740991;

// The first thing that is wrong with a document.
class Faults {
 public:
  void note(std::string_view path, std::string_view what);
  [[nodiscard]] bool none() const noexcept { return first_.empty(); }
  // `path: what`.
  [[nodiscard]] const std::string& first() const noexcept { return first_; }

 private:
  std::string first_;
};

class Fields {
 public:
  // Notes a fault unless `value` is an object. `faults` and `value` outlive this.
  Fields(const Json& value, std::string path, Faults& faults);
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  // Notes a fault for each member that was never asked for.
  ~Fields();

  // A member that must be there.
  const Json& any(std::string_view name);
  // A member that may be absent: null then.
  const Json* optional(std::string_view name);
  // Text of `min` to `max` UTF-16 code units.
  std::string text(std::string_view name, std::size_t min, std::size_t max);
  // Text, or null where `null` stands.
  std::optional<std::string> nullable_text(std::string_view name, std::size_t min, std::size_t max);
  // Exactly this text.
  void literal(std::string_view name, std::string_view expected);
  // One of these texts.
  std::string one_of(std::string_view name, std::initializer_list<std::string_view> choices);
  // A whole number of a range.
  std::int64_t whole(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> nullable_whole(std::string_view name, std::int64_t min, std::int64_t max);
  // Lower-case hexadecimal of so many bytes, as it is spelt.
  std::string hex(std::string_view name, std::size_t bytes);
  // An id: `sha3-512:` and 128 digits.
  std::string id(std::string_view name);
  std::optional<std::string> nullable_id(std::string_view name);
  // Canonical base64 of exactly so many bytes, as it is spelt.
  std::string base64(std::string_view name, std::size_t bytes);
  // An instant, in milliseconds since the epoch.
  std::int64_t instant(std::string_view name);
  // A byte string in its one JSON form; the form itself is returned.
  const Json& exact_text(std::string_view name);
  // The items of a list of at most `max`.
  const Json::List& list(std::string_view name, std::size_t max = SIZE_MAX);

  // Lets members pass that were not asked for.
  void ignore_rest() noexcept { is_open_ = true; }

  // Where a member stands, for readers of what lies in it.
  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] Faults& faults() noexcept { return faults_; }
  void fault(std::string_view name, std::string_view what);

 private:
  const Json& value_;
  std::string path_;
  Faults& faults_;
  std::vector<std::string_view> asked_;
  bool is_open_ = false;
};

// Whether a text is an id.
bool is_artifact_id(std::string_view text);

// Whether a value is a whole number of a range.
bool is_whole(const Json& value, std::int64_t min, std::int64_t max);

}  // namespace writ::run
