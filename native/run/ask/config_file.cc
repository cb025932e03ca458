// The configuration file; see the header.

#include "ask/config_file.h"

namespace {

struct BrokenAssumption {};

constexpr void assume(bool holds) {
  if (!holds) throw BrokenAssumption();
}

}  // namespace

// Files that are no TOML break assumptions of its parser (of 3.3, "[" at the end of a line), which end the process as assert(3).
#define TOML_ASSERT(expression) assume(static_cast<bool>(expression))
#define TOML_EXCEPTIONS 1
// Without the library's compiled half.
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "ask/small_file.h"

namespace writ::run {

namespace {

// A path that must be text where it is given.
bool take_path(const toml::node* node, std::optional<std::string>& path) {
  if (node == nullptr) return true;
  path = node->value_exact<std::string>();
  return path && !path->empty();
}

Read<toml::table> parse(const Bytes& text, const std::string& name) {
  try {
    return toml::parse(std::string_view(text));
  } catch (const toml::parse_error& error) {
    return Unreadable{name + " is not valid TOML: " + std::string(error.description())};
  } catch (const BrokenAssumption&) {
    return Unreadable{name + " is not valid TOML"};
  }
}

}  // namespace

Read<ConfigFile> read_config_file(const std::string& path) {
  const Read<Bytes> text = read_small_file(path);
  const std::string name = "the configuration file " + path;
  if (!text) return Unreadable{name + " cannot be read: " + text.why()};
  const Read<toml::table> parsed = parse(*text, name);
  if (!parsed) return Unreadable{parsed.why()};
  const toml::table& document = *parsed;
  ConfigFile config;
  if (!take_path(document.get("state"), config.state))
    return Unreadable{"in " + name + ": state: must be the path of a directory"};
  const toml::node* socket = document.get("socket");
  if (socket == nullptr) return config;
  if (socket->as_table() == nullptr || !take_path(socket->as_table()->get("path"), config.socket))
    return Unreadable{"in " + name + ": socket.path: must be a path"};
  // A misspelt path would lead to another daemon.
  for (const auto& [key, value] : *socket->as_table()) {
    if (key != "path" && key != "mode" && key != "group")
      return Unreadable{"in " + name + ": socket: unknown key " + std::string(key.str())};
  }
  return config;
}

}  // namespace writ::run
