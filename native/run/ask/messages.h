// What the launcher says, and how it ends: in the words and with the exit codes of every other command (docs/cli.md).
// Standard output belongs to the program that is run.

#pragma once

#include <string>
#include <utility>
#include <variant>

#include "denial.h"
#include "format/json.h"

namespace writ::run {

enum class ExitCode : int { denied = 1, usage = 2, unavailable = 3, fault = 70 };

// Why the launcher ends without having started anything: a sentence, and a word for programs.
struct Failure {
  ExitCode exit_code;
  std::string code;
  std::string message;
};

// Every way in which nothing is started: a failure, the launcher's own denial, or the daemon's (`decision`, `denials`,
// `evidence`).
using Refused = std::variant<Failure, Denial, Json>;

template <typename Value>
using Step = std::variant<Value, Refused>;

inline Refused usage_error(std::string message) {
  return Failure{ExitCode::usage, "USAGE", std::move(message)};
}
inline Refused unavailable(std::string message) {
  return Failure{ExitCode::unavailable, "UNAVAILABLE", std::move(message)};
}
// The answer is not about the request that was made, or is none at all.
inline Refused foreign_answer(const std::string& method, const std::string& why) {
  return Failure{ExitCode::denied, "FOREIGN_ANSWER", "the answer to " + method + " cannot be used: " + why};
}

// Where messages go, and in which form.
class Messages {
 public:
  explicit Messages(bool json) : json_(json) {}

  // Says why nothing was started, and returns the exit code: a failure as `writ: MESSAGE`, a denial as its lines, both on
  // standard error; with --json either is a document on standard output.
  [[nodiscard]] int refuse(const Refused& refused) const;
  // Why a program that already runs is ended, on standard error: standard output is not ours any more.
  void report(const Refused& refused) const;
  // The same for the reasons that the daemon gives unasked, which are a list of denials.
  void report_denials(const Json& denials) const;
  // What is worth knowing beside the outcome, on standard error.
  void note(const std::string& text) const;
  // With --json, what was granted, on standard error before the program starts.
  void granted(const Json& document) const;

 private:
  [[nodiscard]] int fail(const Failure& failure) const;
  [[nodiscard]] int deny(const Json& denied) const;

  bool json_;
};

// The members `code`, `message`, `remedy` of a denial.
Json denial_json(const Denial& denial);

}  // namespace writ::run
