// Why something is not started, and the result of a step that may end so. No exceptions.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace writ::run {

// The codes of src/format/denial.ts that the launcher itself arrives at.
inline constexpr const char* code_bad_signature = "BAD_SIGNATURE";
inline constexpr const char* code_environment_mismatch = "ENVIRONMENT_MISMATCH";
inline constexpr const char* code_expired = "EXPIRED";
inline constexpr const char* code_identity_mismatch = "IDENTITY_MISMATCH";
inline constexpr const char* code_malformed = "MALFORMED";
inline constexpr const char* code_no_authorization = "NO_AUTHORIZATION";
inline constexpr const char* code_not_yet_valid = "NOT_YET_VALID";
inline constexpr const char* code_scope_mismatch = "SCOPE_MISMATCH";
inline constexpr const char* code_state_unverifiable = "STATE_UNVERIFIABLE";

// One reason: a denial code (a literal), one plain sentence, and what to do about it.
struct Denial {
  const char* code;
  std::string message;
  std::string remedy;
};

using MaybeDenial = std::optional<Denial>;

// Either a value or the reason why there is none. To take the value of a denial ends the process (std::get_if and its null).
template <typename T>
class Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(Denial denial) : outcome_(std::in_place_index<1>, std::move(denial)) {}

  [[nodiscard]] bool denied() const noexcept { return outcome_.index() == 1; }
  [[nodiscard]] const Denial& denial() const noexcept { return *std::get_if<1>(&outcome_); }
  [[nodiscard]] T& value() noexcept { return *std::get_if<0>(&outcome_); }

 private:
  std::variant<T, Denial> outcome_;
};

}  // namespace writ::run
