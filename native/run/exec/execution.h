// What the kernel is asked to execute in the end: a descriptor and arguments.

#pragma once

#include <string>
#include <vector>

#include "../../src/unique_descriptor.h"
#include "../denial.h"
#include "prepared.h"

namespace writ::run {

struct Execution {
  // What is executed: of `prepared`, or of `owned`.
  int program = -1;
  std::vector<std::string> arguments;
  // What else may be executed under `descend: listed`.
  std::vector<int> listed;
  // Whether nobody concerned can change the listed files.
  bool listed_is_fixed = true;
  // Descriptors that only this execution uses.
  std::vector<UniqueDescriptor> owned;
};

// The arguments as Linux makes them for scripts (load_script() in fs/binfmt_script.c): each interpreter's name and argument,
// the script, and the rest. `script_paths` says for each step but the last where its interpreter will find it.
std::vector<std::string> arguments_of(const Prepared& prepared, const std::vector<std::string>& script_paths);

// Where the kernel would let the interpreter of a step look for it: the name by which it was called.
const std::string& called_name(const Prepared& prepared, std::size_t step);

// The execution where all processes see the same files: by descriptor, and copies of scripts as /proc/self/fd/N.
Result<Execution> execution_by_descriptors(const Prepared& prepared);

}  // namespace writ::run
