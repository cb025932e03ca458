// From prepared bytes to a held child, and its release; see the header.

#include "../governed_child.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "cgroup_mount.h"
#include "child.h"
#include "execution.h"
#include "first_process.h"
#include "held_program.h"
#include "new_process.h"
#include "prepared.h"
#include "signals.h"
#include "system_reason.h"

namespace writ::run {

namespace {

Denial no_process(const std::string& what) {
  return {code_environment_mismatch, what + ": " + system_reason() + ".",
          "Look at the limits on processes and on namespaces (sysctl user), or accept best effort (--confine best-effort)."};
}

// Takes the program's own report.
MaybeDenial await_program(Child& child) {
  const std::optional<Message> message = receive(child.program_channel.get());
  if (!message || message->word != Word::ready || message->content.size() != 1) {
    // A process that could not even begin was told of by the one before it.
    if (!message && child.namespace_channel.valid()) return denial_in(receive(child.namespace_channel.get()));
    return denial_in(message);
  }
  child.descend_enforced = message->content[0] == '\1';
  child.program = message->sender;
  child.program_pidfd = UniqueDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.program, 0)));
  if (!child.program_pidfd.valid()) return no_process("The program's process could not be taken hold of");
  return std::nullopt;
}

// In the child, before anything else: what is the launcher's alone is closed, so that its end can be heard.
void leave_launcher(Channel& first, Channel& second) {
  first.launcher.reset();
  second.launcher.reset();
}

MaybeDenial start_plain(const Prepared& prepared, Child& child) {
  Result<Execution> execution = execution_by_descriptors(prepared);
  if (execution.denied()) return execution.denial();
  Channel channel = open_channel();
  Channel unused;
  // What is orphaned becomes ours, and can be killed at the end.
  if (!channel.child.valid() || ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return no_process("The program's process could not be prepared");
  }
  NewProcess process = new_process(0);
  if (process.pid < 0) return no_process("No process could be made for the program");
  if (process.pid == 0) {
    leave_launcher(channel, unused);
    die_with_parent();
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    become_program(prepared, execution.value(), std::move(channel.child));
  }
  child.pid = process.pid;
  child.pidfd = std::move(process.pidfd);
  child.program_channel = std::move(channel.launcher);
  return std::nullopt;
}

MaybeDenial start_namespace(const Prepared& prepared, Child& child) {
  Channel own = open_channel();
  Channel program = open_channel();
  if (!own.child.valid() || !program.child.valid()) return no_process("The program's process could not be prepared");
  const bool in_user_namespace = !may_make_namespaces();
  NewProcess process = new_process(CLONE_NEWPID | CLONE_NEWNS | (in_user_namespace ? CLONE_NEWUSER : 0U));
  if (process.pid < 0) return no_process("No PID namespace could be made");
  if (process.pid == 0) {
    leave_launcher(own, program);
    be_first_process(prepared, in_user_namespace, {std::move(own.child), std::move(program.child)});
  }
  child.pid = process.pid;
  child.pidfd = std::move(process.pidfd);
  child.namespace_channel = std::move(own.launcher);
  child.program_channel = std::move(program.launcher);
  return std::nullopt;
}

Result<ChildPointer> start(const Prepared& prepared, Confinement confinement) {
  ChildPointer child(new Child);
  child->confinement = confinement;
  MaybeDenial denial;
  switch (confinement) {
    case Confinement::plain:
      denial = start_plain(prepared, *child);
      break;
    case Confinement::pid_namespace:
      denial = start_namespace(prepared, *child);
      break;
  }
  if (!denial) denial = await_program(*child);
  if (denial) return *denial;
  return child;
}

}  // namespace

Confinement choose_confinement(bool daemon_is_root) {
  const bool by_cgroup = daemon_is_root && ::geteuid() != 0 && has_cgroup2();
  return by_cgroup ? Confinement::plain : Confinement::pid_namespace;
}

void ChildDeleter::operator()(Child* child) const noexcept {
  kill_tree(*child);
  delete child;
}

Result<ChildPointer> start_held(const Prepared& prepared, Confinement confinement) {
  take_signals();
  Result<ChildPointer> child = start(prepared, confinement);
  const bool unconfined = child.denied() && child.denial().code == code_environment_mismatch &&
                          confinement == Confinement::pid_namespace;
  if (!unconfined || prepared.plan().confine != Confine::best_effort) return child;
  return start(prepared, Confinement::plain);
}

pid_t lease_process(const Child& child) { return child.pid; }

Confinement confinement_of(const Child& child) { return child.confinement; }

bool descend_enforced(const Child& child) { return child.descend_enforced; }

MaybeDenial release(Child& child) {
  if (!send_word(child.program_channel.get(), Word::go)) {
    return Denial{code_environment_mismatch, "The process that was to become the program is gone.",
                  "Look into the kernel's log for what killed it, and try again."};
  }
  const std::optional<Message> failure = receive(child.program_channel.get());
  child.program_channel.reset();
  if (failure) return denial_in(failure);
  leave_descriptors_to_program();
  return std::nullopt;
}

}  // namespace writ::run
