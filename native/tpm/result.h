// What an operation on the TPM ends with: a value, or the command that failed and why. No exceptions.

#pragma once

#include <tss2/tss2_common.h>

#include <optional>
#include <utility>
#include <variant>

namespace writ::tpm {

// One failure. `rc` is what the software stack or the TPM answered; 0 where the answer was in order and its content was
// not what we asked for, and then `code` and `explanation` say it. `code` is given where the command tells more than
// the number does; otherwise it follows from the number (failure.h). All texts are literals.
struct Failure {
  const char* command;
  TSS2_RC rc;
  const char* code = nullptr;
  const char* explanation = nullptr;
};

using MaybeFailure = std::optional<Failure>;

// Either a value or a failure. To take the value of a failure ends the process (std::get_if and its null).
template <typename T>
class Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : outcome_(std::in_place_index<1>, failure) {}

  [[nodiscard]] bool failed() const noexcept { return outcome_.index() == 1; }
  [[nodiscard]] const Failure& failure() const noexcept { return *std::get_if<1>(&outcome_); }
  [[nodiscard]] T& value() noexcept { return *std::get_if<0>(&outcome_); }

 private:
  std::variant<T, Failure> outcome_;
};

}  // namespace writ::tpm
