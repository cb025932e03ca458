// The exact action that a typed command means: which file, which words, in which directory and environment; all bytes as the
// kernel has them.

#pragma once

#include <string>
#include <vector>

#include "ask/messages.h"
#include "format/json.h"

namespace writ::run {

// What is to be started, as far as this process knows it.
struct Command {
  // Real path: no symbolic link in it.
  std::string executable;
  std::vector<std::string> arguments;
  std::string working_directory;
  // `NAME=VALUE`, in the order of this process's own.
  std::vector<std::string> environment;
};

// Searches as execvp(3) does, links resolved. Fails with a usage error where there is no such executable.
Step<Command> resolve_command(std::vector<std::string> words);

// The action as it is asked for (`execute`), with the digest of the environment: SHA3-512 over the variables, sorted bytewise,
// each ended by a NUL.
Json action_of(const Command& command);

}  // namespace writ::run
