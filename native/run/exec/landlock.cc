// Landlock; see the header.

#include "landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace writ::run {

namespace {

// struct landlock_ruleset_attr as of Linux 6.12, which older headers do not have whole.
struct Attributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

constexpr std::uint64_t scope_signal = 1U << 1;   // LANDLOCK_SCOPE_SIGNAL
constexpr std::uint64_t refer = 1U << 13;         // LANDLOCK_ACCESS_FS_REFER, since Linux 5.19

bool allow_beneath(int rules, int file, std::uint64_t access) {
  landlock_path_beneath_attr rule = {};
  rule.allowed_access = access;
  rule.parent_fd = file;
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool restrict_self(int rules) { return ::syscall(SYS_landlock_restrict_self, rules, 0) == 0; }

}  // namespace

ExecutionList::ExecutionList(UniqueDescriptor rules) : rules_(std::move(rules)) {}

std::optional<ExecutionList> ExecutionList::begin() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // Whoever says nothing of it may not rename files from one directory into another any more.
  const bool renames = version >= 2;
  const bool scopes = version >= 6;
  const Attributes attributes = {LANDLOCK_ACCESS_FS_EXECUTE | (renames ? refer : 0U), 0, scope_signal};
  // The first version of the structure is its first member, which every kernel with Landlock takes.
  const std::size_t size = scopes ? sizeof attributes : sizeof attributes.files;
  UniqueDescriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!rules.valid()) return std::nullopt;
  if (renames) {
    const UniqueDescriptor root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid() || !allow_beneath(rules.get(), root.get(), refer)) return std::nullopt;
  }
  return ExecutionList(std::move(rules));
}

bool ExecutionList::add(int file) {
  return allow_beneath(rules_.get(), file, LANDLOCK_ACCESS_FS_EXECUTE) || errno == EBADFD;
}

bool ExecutionList::enforce() { return restrict_self(rules_.get()); }

bool keep_off_others() {
  const Attributes attributes = {0, 0, scope_signal};
  const UniqueDescriptor rules(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  return rules.valid() && restrict_self(rules.get());
}

}  // namespace writ::run
