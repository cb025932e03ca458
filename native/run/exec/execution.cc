// What the kernel is asked to execute; see the header.

#include "execution.h"

#include <fcntl.h>

#include "system_reason.h"

namespace writ::run {

namespace {

// Scripts are given descriptors from here on, out of the way of those that programs expect to find free.
constexpr int first_script_descriptor = 100;

}  // namespace

const std::string& called_name(const Prepared& prepared, std::size_t step) {
  return step == 0 ? prepared.plan().executable.path : prepared.steps()[step - 1].line->interpreter;
}

std::vector<std::string> arguments_of(const Prepared& prepared, const std::vector<std::string>& script_paths) {
  std::vector<std::string> arguments = prepared.plan().arguments;
  for (std::size_t step = 0; step < script_paths.size(); ++step) {
    const ScriptLine& line = *prepared.steps()[step].line;
    std::vector<std::string> longer = {line.interpreter};
    if (line.argument) longer.push_back(*line.argument);
    longer.push_back(script_paths[step]);
    longer.insert(longer.end(), arguments.begin() + 1, arguments.end());
    arguments = std::move(longer);
  }
  return arguments;
}

Result<Execution> execution_by_descriptors(const Prepared& prepared) {
  Execution execution;
  execution.program = prepared.loaded().bytes();
  std::vector<std::string> script_paths;
  for (std::size_t step = 0; step + 1 < prepared.steps().size(); ++step) {
    const SealedFile& script = prepared.steps()[step].file;
    if (!script.is_copy()) {
      script_paths.push_back(called_name(prepared, step));
      continue;
    }
    // Not closed by the execution: it is how the interpreter gets at the script.
    int descriptor = ::fcntl(script.bytes(), F_DUPFD, first_script_descriptor);
    if (descriptor < 0) descriptor = ::fcntl(script.bytes(), F_DUPFD, 3);
    if (descriptor < 0) {
      return Denial{code_environment_mismatch, "No descriptor was left for " + script.path() + ": " + system_reason() + ".",
                    "Raise the limit on open files."};
    }
    execution.owned.emplace_back(descriptor);
    script_paths.push_back("/proc/self/fd/" + std::to_string(descriptor));
  }
  execution.arguments = arguments_of(prepared, script_paths);
  for (const SealedFile& listed : prepared.listed()) {
    execution.listed.push_back(listed.bytes());
    // What would be executed is the file of the path, and that can be changed behind our copy.
    execution.listed_is_fixed = execution.listed_is_fixed && !listed.is_copy();
  }
  return execution;
}

}  // namespace writ::run
