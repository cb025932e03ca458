// The first line of a script; see the header.

#include "script_line.h"

#include <algorithm>
#include <array>

namespace writ::run {

namespace {

// The kernel's buffer: filled up with NULs, its last byte never part of the line.
using Head = std::array<char, script_head_bytes>;

bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

std::size_t skip_blanks(const Head& head, std::size_t start, std::size_t end) {
  while (start < end && is_blank(head[start])) ++start;
  return start;
}

// The first space, tab or NUL, or `end`.
std::size_t find_terminator(const Head& head, std::size_t start, std::size_t end) {
  while (start < end && !is_blank(head[start]) && head[start] != '\0') ++start;
  return start;
}

// Where the line ends, without blanks at its end; empty for a path that may go on behind the buffer.
std::optional<std::size_t> line_end(const Head& head) {
  std::size_t end = 0;
  // A NUL ends the text in which a newline is looked for.
  while (end < head.size() && head[end] != '\n' && head[end] != '\0') ++end;
  if (end == head.size() || head[end] == '\0') {
    const std::size_t last = head.size() - 1;
    const std::size_t start = skip_blanks(head, 2, last);
    if (start == last || find_terminator(head, start, last + 1) > last) return std::nullopt;
    end = last;
  }
  while (end > 2 && is_blank(head[end - 1])) --end;
  return end;
}

}  // namespace

std::optional<ScriptLine> parse_script_line(const std::string& text) {
  if (text.compare(0, 2, "#!") != 0) return std::nullopt;
  Head head = {};
  text.copy(head.data(), head.size());
  const std::optional<std::size_t> end = line_end(head);
  if (!end) return std::nullopt;
  const std::size_t start = skip_blanks(head, 2, *end);
  if (start == *end || head[start] == '\0') return std::nullopt;
  const std::size_t separator = find_terminator(head, start, *end);
  ScriptLine line{std::string(head.data() + start, separator - start), std::nullopt};
  // What follows a NUL is never looked at.
  if (separator == *end || head[separator] == '\0') return line;
  const std::size_t argument = skip_blanks(head, separator, *end);
  if (argument != *end) {
    line.argument = std::string(head.data() + argument, *end - argument);
    // A blank at the end of a file without a newline gives an empty argument, as the NUL behind it is taken for text.
    line.argument->resize(std::min(line.argument->find('\0'), line.argument->size()));
  }
  return line;
}

}  // namespace writ::run
