// The command line of `writ run`, read as the other commands' is: the same global options before and behind the command's
// name, `--option value` and `--option=value`, and everything from the first word of the command on left alone.

#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "format/json.h"

namespace writ::run {

struct Options {
  bool json = false;
  std::optional<std::string> socket;
  std::optional<std::string> state;
  std::optional<std::string> trust;
  // An id, or the file of an artifact.
  std::optional<std::string> parent;
  bool fresh_quote = false;
  bool fresh_anchor = false;
  // Where approvals are demanded, to wait for them.
  bool wait_approval = false;
  // What goes into the request as it is: claims, limits and the like.
  Json::Object asked;
  // The command and its arguments, byte for byte.
  std::vector<std::string> command;
};

// The command line is not that of a run that can be started: another command, a question for help, or a mistake. The full
// command line program answers all of these.
struct NotOurs {};

// `words`: all arguments but the program's own name.
std::variant<Options, NotOurs> parse_options(const std::vector<std::string>& words);

}  // namespace writ::run
