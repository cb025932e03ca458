// From a plan to a process, in the order in which it is done: prepare() the bytes, start_held() a child that waits in its
// confinement, have the daemon open the lease for it, release() it, and supervise() it to its end.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "denial.h"
#include "plan.h"

namespace writ::run {

// What keeps the program's whole tree together. `plain`: the child itself, for a watchdog with root's powers to put into a
// cgroup. `pid_namespace`: a PID namespace with a private /proc, whose first process is ours.
enum class Confinement { plain, pid_namespace };

// Which one is right here: `plain` where the daemon is root (its watchdog then makes the cgroup), we are not (root leaves
// every cgroup), and a cgroup2 file system is mounted.
Confinement choose_confinement(bool daemon_is_root);

// The bytes that will be executed, opened, digested and sealed. Nothing that happens to the paths afterwards changes them.
class Prepared;
struct PreparedDeleter {
  void operator()(Prepared* prepared) const noexcept;
};
using PreparedPointer = std::unique_ptr<Prepared, PreparedDeleter>;

// Opens and digests the executable, its interpreters and the listed programs, and compares them and our own uid, gid and
// groups with the plan. Denials: SCOPE_MISMATCH (another file than authorized), ENVIRONMENT_MISMATCH (another interpreter),
// IDENTITY_MISMATCH. The plan must outlive what is returned.
Result<PreparedPointer> prepare(const Plan& plan);

// A child that has done everything but the last execve.
class Child;
struct ChildDeleter {
  // Kills the child, and all that can be found of its tree, unless supervise() saw its end.
  void operator()(Child* child) const noexcept;
};
using ChildPointer = std::unique_ptr<Child, ChildDeleter>;

// Forks the child and holds it back. Should the launcher die from here on, so does the child. From here on signals are
// blocked in this process; supervise() takes them. ENVIRONMENT_MISMATCH where the confinement cannot be had and the plan
// does not accept best effort. What the kernel lets a child prove only by executing is denied by release().
Result<ChildPointer> start_held(const Prepared& prepared, Confinement confinement);

// What lease.open names: our own child, of which the rest of the tree descends; of a PID namespace its first process.
pid_t lease_process(const Child& child);

// What was done: `plain` instead of `pid_namespace` means best effort.
Confinement confinement_of(const Child& child);

// Whether `descend` is enforced by the kernel. Of `any` there is nothing to enforce, and this is true.
bool descend_enforced(const Child& child);

// Lets the child execute. SCOPE_MISMATCH or ENVIRONMENT_MISMATCH, with the kernel's reason, where it could not.
MaybeDenial release(Child& child);

// How a program ended: either is set. `signal` is the signal's number.
struct ExitStatus {
  std::optional<int> exit;
  std::optional<int> signal;
};

// What else supervise() waits for: the connection to the daemon.
class Events {
 public:
  enum class Next { go_on, kill_tree };

  virtual ~Events() = default;
  // Watched for input and for its end; negative for none. Asked again before each wait, like the deadline.
  [[nodiscard]] virtual int descriptor() const = 0;
  // When deadline() is to be called: milliseconds of CLOCK_BOOTTIME; empty for never.
  [[nodiscard]] virtual std::optional<std::int64_t> deadline_ms() const = 0;
  virtual Next readable() = 0;
  virtual Next deadline() = 0;
};

// Waits for the program's end: passes signals on, mirrors stops and continuations, and serves `events`. Returns when the
// program has ended, and kills then what can be found of its tree (all of a PID namespace).
ExitStatus supervise(Child& child, Events& events);

// Ends this process as the program ended: by the same status, or by the same signal without a core file.
[[noreturn]] void end_like(const ExitStatus& status);

}  // namespace writ::run
