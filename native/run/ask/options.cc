// The command line; see the header. docs/cli.md describes every option, src/cli/commands/run.ts has the help page.

#include "ask/options.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "format/exact_text.h"
#include "format/fields.h"

namespace writ::run {

namespace {

// Takes the words of a command line from its beginning.
class Words {
 public:
  explicit Words(const std::vector<std::string>& words) : words_(words) {}

  [[nodiscard]] bool empty() const noexcept { return next_ == words_.size(); }
  [[nodiscard]] const std::string& peek() const { return words_[next_]; }
  const std::string& take() { return words_[next_++]; }
  [[nodiscard]] std::vector<std::string> rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end()};
  }

 private:
  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
};

// `1` to 2^53 - 1, as src/cli/option-values.ts reads it.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t min) {
  if (text.empty() || text.size() > 16 || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  std::int64_t value = 0;
  for (const char digit : text) value = value * 10 + (digit - '0');
  return value >= min && value <= max_whole ? std::optional(value) : std::nullopt;
}

// A number of bytes may end in K, M, G or T, powers of 1024.
std::optional<std::int64_t> byte_count(std::string_view text) {
  constexpr std::string_view suffixes = "KMGT";
  const std::size_t suffix = text.empty() ? std::string_view::npos : suffixes.find(text.back());
  if (suffix == std::string_view::npos) return whole_number(text, 0);
  const std::optional<std::int64_t> count = whole_number(text.substr(0, text.size() - 1), 0);
  const std::int64_t unit = std::int64_t{1} << (10 * (suffix + 1));
  if (!count || *count > max_whole / unit) return std::nullopt;
  return *count * unit;
}

struct LimitName {
  std::string_view flag;
  const char* name;
  bool in_bytes;
};
constexpr LimitName limit_names[] = {{"cpu", "cpuSeconds", false},
                                     {"memory", "memoryBytes", true},
                                     {"processes", "processes", false},
                                     {"files", "openFiles", false},
                                     {"file-size", "fileBytes", true}};

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char character : text) {
    if (character == ',') parts.emplace_back();
    else parts.back().push_back(character);
  }
  return parts;
}

// `cpu=5,memory=1G` as the request has it.
std::optional<Json> parse_limits(const std::string& text) {
  Json::Object limits;
  for (const std::string& part : split_at_commas(text)) {
    const std::size_t equals = part.find('=');
    const std::string_view flag = std::string_view(part).substr(0, equals);
    const auto* known = std::find_if(std::begin(limit_names), std::end(limit_names),
                                     [&](const LimitName& name) { return name.flag == flag; });
    if (equals == std::string::npos || known == std::end(limit_names)) return std::nullopt;
    const std::string value = part.substr(equals + 1);
    const std::optional<std::int64_t> limit = known->in_bytes ? byte_count(value) : whole_number(value, 0);
    const bool is_repeated = std::any_of(limits.begin(), limits.end(),
                                         [&](const Json::Member& member) { return member.first == known->name; });
    if (!limit || is_repeated) return std::nullopt;
    limits.emplace_back(known->name, Json(static_cast<double>(*limit)));
  }
  return limits;
}

// `none`, `any`, or absolute paths parted by commas.
std::optional<Json> parse_descend(const std::string& text) {
  if (text == "none" || text == "any") return Json(text);
  Json::List listed;
  for (const std::string& path : split_at_commas(text)) {
    if (path.empty() || path.front() != '/') return std::nullopt;
    listed.push_back(exact_text(path));
  }
  return Json::Object{{"listed", Json(std::move(listed))}};
}

bool is_one_of(const std::string& value, std::initializer_list<std::string_view> choices) {
  return std::find(choices.begin(), choices.end(), value) != choices.end();
}

class OptionReader {
 public:
  Options options;

  // False for a word that is no option without a value.
  bool read_flag(const std::string& name) {
    if (name == "--json") return options.json = true;
    if (name == "--wait-approval") return !is_before_command_ && (options.wait_approval = true);
    return false;
  }

  // False for an option that is not known, or a value that it cannot have.
  bool read(const std::string& name, const std::string& value) {
    if (name == "--socket") return options.socket = value, true;
    if (name == "--state") return options.state = value, true;
    if (is_before_command_) return false;
    if (name == "--trust") return options.trust = value, true;
    if (name == "--parent") return options.parent = value, true;
    if (name == "--attest") return value == "fresh" && (options.fresh_quote = true);
    if (name == "--anchor") return value == "fresh" && (options.fresh_anchor = true);
    if (name == "--ttl") return ask_number("ttlSeconds", value);
    if (name == "--run-seconds") return ask_number("runSeconds", value);
    if (name == "--bind") return is_one_of(value, {"uid", "executable", "process"}) && ask("bind", Json(value));
    if (name == "--confine") return is_one_of(value, {"tree", "best-effort"}) && ask("confine", Json(value));
    if (name == "--descend") return ask("descend", parse_descend(value));
    if (name == "--limit") return ask("limits", parse_limits(value));
    for (const char* text : {"agent", "user", "purpose", "ticket", "audience"}) {
      if (name == std::string("--") + text) return is_utf8(value) && ask(text, Json(value));
    }
    return false;
  }

  void pass_command() noexcept { is_before_command_ = false; }

 private:
  bool ask_number(const char* name, const std::string& value) {
    const std::optional<std::int64_t> number = whole_number(value, 1);
    return number && ask(name, Json(static_cast<double>(*number)));
  }

  // The last of several counts, as for every other option.
  bool ask(const char* name, std::optional<Json> value) {
    if (!value) return false;
    for (Json::Member& member : options.asked) {
      if (member.first == name) return member.second = std::move(*value), true;
    }
    options.asked.emplace_back(name, std::move(*value));
    return true;
  }

  bool is_before_command_ = true;
};

// Reads options up to the first word that is none. False for a mistake.
bool read_options(Words& words, OptionReader& reader) {
  while (!words.empty() && words.peek().size() > 1 && words.peek().front() == '-' && words.peek() != "--") {
    const std::string word = words.take();
    if (reader.read_flag(word)) continue;
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      if (!reader.read(word.substr(0, equals), word.substr(equals + 1))) return false;
    } else if (words.empty() || !reader.read(word, words.take())) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::variant<Options, NotOurs> parse_options(const std::vector<std::string>& all) {
  Words words(all);
  OptionReader reader;
  if (!read_options(words, reader) || words.empty() || words.take() != "run") return NotOurs{};
  reader.pass_command();
  if (!read_options(words, reader)) return NotOurs{};
  if (!words.empty() && words.peek() == "--") words.take();
  if (words.empty()) return NotOurs{};
  reader.options.command = words.rest();
  return std::move(reader.options);
}

}  // namespace writ::run
