// Landlock (landlock(7)), for two things: which files a process and all that descends of it may execute, and that they keep their
// hands off every process outside.

#pragma once

#include <optional>

#include "../../src/unique_descriptor.h"

namespace writ::run {

// The files that may be executed; everything else may not, once the list is in force. With it comes what keep_off_others() does: a
// ruleset of its own for that would forbid, beside this one, to rename files from one directory into another.
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

// From now on this process, and all that descends of it, neither traces a process outside (so that none of those starts something
// in their stead) nor signals one. It must have given up new privileges. False where the kernel cannot (before Linux 6.12).
bool keep_off_others();

}  // namespace writ::run
