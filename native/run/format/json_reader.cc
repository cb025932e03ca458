// The strict reader of JSON. It refuses exactly what the daemon's own reader (src/format/strict-json.ts) refuses.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "format/json.h"
#include "format/text.h"

namespace writ::run {

namespace {

constexpr double most_exact_whole_number = 9007199254740991.0;

// Reads a text from its beginning. The first fault ends it: `fault_` is then its sentence.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Read<Json> document() {
    Json value = read_value(0);
    skip_space();
    if (fault_ == nullptr && !rest_.empty()) fault_ = not_json;
    if (fault_ != nullptr) return Unreadable{fault_};
    return value;
  }

 private:
  static constexpr const char* not_json = "the text is not valid JSON";

  void skip_space() {
    const std::size_t end = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

  bool take(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_word(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  Json fail(const char* fault) {
    if (fault_ == nullptr) fault_ = fault;
    return {};
  }

  Json read_value(std::size_t depth) {
    skip_space();
    if (rest_.empty()) return fail(not_json);
    switch (rest_.front()) {
      case '{': return read_object(depth + 1);
      case '[': return read_list(depth + 1);
      case '"': return read_string();
      case 't': return take_word("true") ? Json(true) : fail(not_json);
      case 'f': return take_word("false") ? Json(false) : fail(not_json);
      case 'n': return take_word("null") ? Json() : fail(not_json);
      default: return read_number();
    }
  }

  Json read_object(std::size_t depth) {
    if (depth > max_json_depth) return fail("the JSON is nested too deeply");
    rest_.remove_prefix(1);
    Json::Object members;
    skip_space();
    if (take('}')) return members;
    do {
      skip_space();
      if (rest_.empty() || rest_.front() != '"') return fail(not_json);
      Json name = read_string();
      skip_space();
      if (fault_ != nullptr || !take(':')) return fail(not_json);
      Json value = read_value(depth);
      if (fault_ != nullptr) return {};
      members.emplace_back(*name.text(), std::move(value));
      skip_space();
    } while (take(','));
    if (!take('}')) return fail(not_json);
    return has_repeated_name(members) ? fail("an object repeats a key") : Json(std::move(members));
  }

  static bool has_repeated_name(const Json::Object& members) {
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const Json::Member& member : members) names.push_back(member.first);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
  }

  Json read_list(std::size_t depth) {
    if (depth > max_json_depth) return fail("the JSON is nested too deeply");
    rest_.remove_prefix(1);
    Json::List items;
    skip_space();
    if (take(']')) return items;
    do {
      items.push_back(read_value(depth));
      if (fault_ != nullptr) return {};
      skip_space();
    } while (take(','));
    return take(']') ? Json(std::move(items)) : fail(not_json);
  }

  Json read_string() {
    rest_.remove_prefix(1);
    std::string text;
    while (!rest_.empty()) {
      const char character = rest_.front();
      rest_.remove_prefix(1);
      if (character == '"') return text;
      if (static_cast<unsigned char>(character) < 0x20) return fail(not_json);
      if (character != '\\') {
        text.push_back(character);
      } else if (!read_escape(text)) {
        return {};
      }
    }
    return fail(not_json);
  }

  bool read_escape(std::string& text) {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char letter = rest_.empty() ? '\0' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    const std::size_t position = letters.find(letter);
    if (letter != 'u') {
      if (letter == '\0' || position == std::string_view::npos) return fail(not_json), false;
      text.push_back(meanings[position]);
      return true;
    }
    std::uint32_t point = 0;
    if (!read_code_unit(point)) return false;
    if (point == 0) return fail("the text holds a NUL character"), false;
    if (point >= 0xdc00 && point <= 0xdfff) return fail("a string holds a lone surrogate"), false;
    if (point >= 0xd800 && point <= 0xdbff) {
      std::uint32_t low = 0;
      if (!take_word("\\u")) return fail("a string holds a lone surrogate"), false;
      if (!read_code_unit(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail("a string holds a lone surrogate"), false;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(point, text);
    return true;
  }

  bool read_code_unit(std::uint32_t& unit) {
    unit = 0;
    for (int digit = 0; digit < 4; digit++) {
      const char character = rest_.empty() ? '\0' : rest_.front();
      std::uint32_t value = 0;
      if (character >= '0' && character <= '9') value = static_cast<std::uint32_t>(character - '0');
      else if (character >= 'a' && character <= 'f') value = static_cast<std::uint32_t>(character - 'a' + 10);
      else if (character >= 'A' && character <= 'F') value = static_cast<std::uint32_t>(character - 'A' + 10);
      else return fail(not_json), false;
      rest_.remove_prefix(1);
      unit = unit << 4 | value;
    }
    return true;
  }

  static void append_utf8(std::uint32_t point, std::string& text) {
    const auto add = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
      add(point);
    } else if (point < 0x800) {
      add(0xc0 | point >> 6), add(0x80 | (point & 63));
    } else if (point < 0x10000) {
      add(0xe0 | point >> 12), add(0x80 | (point >> 6 & 63)), add(0x80 | (point & 63));
    } else {
      add(0xf0 | point >> 18), add(0x80 | (point >> 12 & 63));
      add(0x80 | (point >> 6 & 63)), add(0x80 | (point & 63));
    }
  }

  std::size_t take_digits() {
    const std::size_t end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(end);
    return end;
  }

  Json read_number() {
    const std::string_view start = rest_;
    take('-');
    const bool begins_with_zero = !rest_.empty() && rest_.front() == '0';
    const std::size_t whole = take_digits();
    if (whole == 0 || (begins_with_zero && whole > 1)) return fail(not_json);
    if (take('.') && take_digits() == 0) return fail(not_json);
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (take_digits() == 0) return fail(not_json);
    }
    const std::string spelling(start.substr(0, start.size() - rest_.size()));
    const double number = std::strtod(spelling.c_str(), nullptr);
    const bool is_whole = std::floor(number) == number;
    if (!std::isfinite(number) || (is_whole && std::fabs(number) > most_exact_whole_number))
      return fail("a number is too large to be read exactly");
    return number;
  }

  std::string_view rest_;
  const char* fault_ = nullptr;
};

}  // namespace

Read<Json> parse_json(std::string_view bytes) {
  if (!is_utf8(bytes)) return Unreadable{"the bytes are not valid UTF-8"};
  if (bytes.find('\0') != std::string_view::npos) return Unreadable{"the text holds a NUL character"};
  return Reader(bytes).document();
}

}  // namespace writ::run
