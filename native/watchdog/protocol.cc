// The daemon's lines; see the header.

#include "protocol.h"

#include <algorithm>
#include <limits>

namespace writ::watchdog {

namespace {

// Takes a line apart into words. After the last word, or a fault, there is none.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view next() {
    if (ended_) {
      complete_ = false;
      return {};
    }
    const std::size_t space = rest_.find(' ');
    const std::string_view word = rest_.substr(0, space);
    ended_ = space == std::string_view::npos;
    rest_ = ended_ ? std::string_view{} : rest_.substr(space + 1);
    if (word.empty()) complete_ = false;
    return word;
  }

  // Whether every word that was asked for was there, and no other.
  [[nodiscard]] bool complete() const { return complete_ && ended_; }

 private:
  std::string_view rest_;
  bool ended_ = false;
  bool complete_ = true;
};

constexpr std::uint64_t max_number = std::uint64_t{1} << 53;

// A whole number below 2^53 as JavaScript writes it: no sign, no leading zero.
std::optional<std::uint64_t> number(std::string_view word) {
  if (word.empty() || word.size() > 16 || (word.size() > 1 && word[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : word) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (value >= max_number) return std::nullopt;
  return value;
}

std::optional<pid_t> pid(std::string_view word) {
  const std::optional<std::uint64_t> value = number(word);
  // Neither the first process nor the kernel's own threads run anything for a client.
  if (!value || *value <= 2 || *value > static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max())) return std::nullopt;
  return static_cast<pid_t>(*value);
}

std::optional<RunName> run_name(std::string_view word) {
  RunName name{};
  if (word.size() != name.size()) return std::nullopt;
  const bool is_hex =
      std::all_of(word.begin(), word.end(), [](char digit) { return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'); });
  if (!is_hex) return std::nullopt;
  std::copy(word.begin(), word.end(), name.begin());
  return name;
}

std::optional<ProcessName> process_name(Words& words) {
  const std::optional<pid_t> process = pid(words.next());
  const std::optional<std::uint64_t> start_time = number(words.next());
  if (!process || !start_time) return std::nullopt;
  return ProcessName{*process, *start_time};
}

std::optional<Request> hello(Words& words) {
  const std::string_view name = words.next();
  const bool is_name = !name.empty() && name.size() <= max_client_name_bytes &&
                       std::all_of(name.begin(), name.end(), [](char letter) {
                         return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-';
                       });
  if (!is_name || !words.complete()) return std::nullopt;
  return Hello{name};
}

std::optional<Request> guard(Words& words) {
  const std::optional<RunName> run = run_name(words.next());
  const std::string_view inside_word = words.next();
  const std::optional<RunName> inside = run_name(inside_word);
  const std::optional<ProcessName> runner = process_name(words);
  const std::optional<ProcessName> child = process_name(words);
  const std::optional<std::uint64_t> deadline = number(words.next());
  if (!words.complete() || !run || !runner || !child || !deadline) return std::nullopt;
  if (!inside && inside_word != "-") return std::nullopt;
  return Guard{*run, inside, *runner, *child, *deadline};
}

std::optional<Request> renew(Words& words) {
  const std::optional<RunName> run = run_name(words.next());
  const std::optional<std::uint64_t> deadline = number(words.next());
  if (!words.complete() || !run || !deadline) return std::nullopt;
  return Renew{*run, *deadline};
}

std::optional<Request> end(Words& words) {
  const std::optional<RunName> run = run_name(words.next());
  if (!words.complete() || !run) return std::nullopt;
  return End{*run};
}

}  // namespace

std::optional<Request> parse_request(std::string_view line) {
  Words words(line);
  const std::string_view verb = words.next();
  if (verb == "hello") return hello(words);
  if (verb == "guard") return guard(words);
  if (verb == "renew") return renew(words);
  if (verb == "end") return end(words);
  return std::nullopt;
}

}  // namespace writ::watchdog
