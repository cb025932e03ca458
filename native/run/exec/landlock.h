// Landlock (landlock(7)), for one right only: which files a process and all that descends of it may execute.

#pragma once

#include <optional>

#include "../../src/unique_descriptor.h"

namespace writ::run {

// The files that may be executed; everything else may not, once the list is in force.
class ExecutionList {
 public:
  // Empty where the kernel has no Landlock, or where it is turned off.
  static std::optional<ExecutionList> begin();

  // Adds a file by a descriptor of any kind. A file in memory needs no entry, and gets none: Landlock knows no way to those.
  // False when the kernel does not take it.
  [[nodiscard]] bool add(int file);

  // Restricts this process for good; it must have given up new privileges (PR_SET_NO_NEW_PRIVS). False when it is not
  // restricted.
  [[nodiscard]] bool enforce();

 private:
  explicit ExecutionList(UniqueDescriptor rules);

  UniqueDescriptor rules_;
};

}  // namespace writ::run
