// The first line of a script as Linux reads it (fs/binfmt_script.c): `#!`, a path, and everything behind it as one argument.
// The same rules as in src/environment/script-line.ts, by which the daemon measured the interpreters.

#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace writ::run {

// What the kernel looks at of a file: longer first lines are cut (BINPRM_BUF_SIZE).
inline constexpr std::size_t script_head_bytes = 256;

struct ScriptLine {
  // As it stands there; a relative one is looked up in the working directory.
  std::string interpreter;
  std::optional<std::string> argument;
};

// The interpreter that the kernel would start for a file with this beginning; empty where it would start none: for a file
// without `#!`, without a path, or whose path may have been cut.
std::optional<ScriptLine> parse_script_line(const std::string& head);

}  // namespace writ::run
