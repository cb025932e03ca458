// Landlock; see the header.

#include "landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace writ::run {

ExecutionList::ExecutionList(UniqueDescriptor rules) : rules_(std::move(rules)) {}

std::optional<ExecutionList> ExecutionList::begin() {
  landlock_ruleset_attr attributes = {};
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE;
  // The first version of the structure, which every kernel with Landlock takes.
  UniqueDescriptor rules(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0)));
  if (!rules.valid()) return std::nullopt;
  return ExecutionList(std::move(rules));
}

bool ExecutionList::add(int file) {
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE;
  rule.parent_fd = file;
  if (::syscall(SYS_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return true;
  return errno == EBADFD;
}

bool ExecutionList::enforce() { return ::syscall(SYS_landlock_restrict_self, rules_.get(), 0) == 0; }

}  // namespace writ::run
