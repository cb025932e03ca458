// Commands; see the header. src/cli/resolve-command.ts does the same for the commands that start nothing.

#include "ask/own_process.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "format/exact_text.h"
#include "verify/digests.h"
#include "verify/note.h"

namespace writ::run {

namespace {

// Whether a path leads to a file that this user may execute; empty where looking fails for another reason than that.
std::optional<bool> is_executable_file(const std::string& path) {
  struct stat facts {};
  if (::access(path.c_str(), X_OK) == 0 && ::stat(path.c_str(), &facts) == 0) return S_ISREG(facts.st_mode);
  const bool is_plain_no = errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ELOOP;
  return is_plain_no ? std::optional(false) : std::nullopt;
}

std::vector<std::string> candidates_for(const std::string& command) {
  if (command.find('/') != std::string::npos) return {command};
  const char* search_path = std::getenv("PATH");
  std::vector<std::string> candidates;
  for (const std::string_view directory : split(search_path == nullptr ? "" : search_path, ':'))
    candidates.push_back((directory.empty() ? std::string(".") : std::string(directory)) + "/" + command);
  return candidates;
}

std::string not_found(const std::string& command) {
  if (command.empty()) return "the command is an empty word; name a program";
  return command.find('/') != std::string::npos
             ? command + " is not an executable file that this user may run"
             : "there is no executable " + command + " in PATH";
}

Step<std::string> find_executable(const std::string& command) {
  for (const std::string& candidate : candidates_for(command)) {
    const std::optional<bool> found = is_executable_file(candidate);
    if (!found) return usage_error(candidate + " cannot be looked at: " + std::strerror(errno));
    if (!*found) continue;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(candidate.c_str(), nullptr), &std::free);
    if (!real) return usage_error(candidate + " cannot be looked at: " + std::strerror(errno));
    return std::string(real.get());
  }
  return usage_error(not_found(command));
}

std::optional<std::string> working_directory() {
  char path[PATH_MAX];
  if (::getcwd(path, sizeof path) == nullptr || path[0] != '/') return std::nullopt;
  return std::string(path);
}

}  // namespace

Step<Command> resolve_command(std::vector<std::string> words) {
  Step<std::string> executable = find_executable(words.front());
  if (Refused* refused = std::get_if<Refused>(&executable)) return std::move(*refused);
  std::optional<std::string> directory = working_directory();
  if (!directory)
    return usage_error("the working directory does not exist any more; change to one that does");
  Command command{std::move(*std::get_if<std::string>(&executable)), std::move(words), std::move(*directory), {}};
  for (char** variable = environ; *variable != nullptr; variable++) command.environment.emplace_back(*variable);
  return command;
}

Json action_of(const Command& command) {
  Json::List argv;
  for (const std::string& word : command.arguments) argv.push_back(exact_text(word));
  std::vector<std::string> sorted = command.environment;
  // As unsigned bytes, which is how std::string compares.
  std::sort(sorted.begin(), sorted.end());
  Bytes listed;
  for (const std::string& variable : sorted) listed.append(variable).push_back('\0');
  return Json::Object{{"type", Json("execute")},
                      {"executable", exact_text(command.executable)},
                      {"argv", Json(std::move(argv))},
                      {"cwd", exact_text(command.working_directory)},
                      {"environmentDigest", Json(hex_encode(sha3_512(listed)))}};
}

}  // namespace writ::run
