// The daemon's configuration file (TOML), as far as it says where the daemon is.

#pragma once

#include <optional>
#include <string>

#include "format/read.h"

namespace writ::run {

// Null what the file does not say.
struct ConfigFile {
  std::optional<std::string> state;
  std::optional<std::string> socket;
};

// Reads a file that must be there. Of tables that this program does not use, only the syntax is checked: the daemon, which does
// not start with a wrong one, checks the rest.
Read<ConfigFile> read_config_file(const std::string& path);

}  // namespace writ::run
